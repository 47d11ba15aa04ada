#!/bin/sh
# Installs the npm packages when they are missing or not those of package-lock.json, the runtime
# among them: whatever Node started npm, what comes after this runs on the pinned one.
set -eu
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }

for program in node npm flock; do
  command -v "$program" >/dev/null || {
    say "The program $program is missing; install Node.js 20 or later (with npm) and util-linux."
    exit 1
  }
done

[ -w . ] || {
  say "$PWD is not yours to write to; run this as its owner."
  exit 1
}

mkdir -p "${DRAWBRIDGE_STACK_DIR:-.stack}"
exec 9>"${DRAWBRIDGE_STACK_DIR:-.stack}/npm.lock"
# Two commands at once must not install into the same folder.
flock 9
if ! node e2e/stack/installed.mjs; then
  say '  … npm packages: npm ci, about 20 s'
  begin=$(date +%s)
  npm ci --no-fund --no-audit >&2 9>&- || {
    say 'npm ci failed; see above. Is the npm registry reachable?'
    exit 1
  }
  say "  ✓ npm packages $(($(date +%s) - begin)) s"
fi
exec 9>&-

node=node_modules/.bin/node
version=$("$node" --version 2>/dev/null || echo none)
case $version in
  v2[4-9].* | v[3-9][0-9].*) ;;
  *)
    say "$node is $version instead of Node 24; were install scripts switched off? Remove node_modules and run: npm ci --ignore-scripts=false"
    exit 1
    ;;
esac
