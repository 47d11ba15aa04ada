/** Tells what the gate's zones hold. For the benchmark's nginx alone. */
function state(r) {
  const memo = ngx.shared.drawbridge_memo
  const revocations = ngx.shared.drawbridge_revocations
  r.return(
    200,
    JSON.stringify({
      tokens: memo.size(),
      free: memo.freeSpace(),
      revocations: revocations.size(),
    }),
  )
}

export default { state }
