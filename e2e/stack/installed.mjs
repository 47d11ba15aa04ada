// Exits 0 when node_modules holds what package-lock.json asks for. Runs before anything is
// installed, on whatever Node there is.
import { readFileSync } from 'node:fs'

const packagesOf = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return {}
  }
}

const wanted = packagesOf('package-lock.json')
const installed = packagesOf('node_modules/.package-lock.json')
// What is optional or a peer's may rightly be absent, other platforms' binaries for one.
const complete = Object.entries(wanted).every(
  ([path, { version, optional, peer, link }]) =>
    !path.startsWith('node_modules/') ||
    link === true ||
    (installed[path] === undefined
      ? optional === true || peer === true
      : installed[path].version === version),
)
process.exit(complete ? 0 : 1)
