/** OpenSSH's patterns: `*` any run of characters, `?` exactly one; everything else stands for itself, case ignored. */
export function matchesPattern(pattern: string, text: string): boolean {
  const wanted = pattern.toLowerCase()
  const given = text.toLowerCase()
  let at = 0
  let star = -1
  let resumeAt = 0
  let position = 0
  // Linear with one point of return, so that a pattern of many stars cannot take exponential time.
  while (position < given.length) {
    if (wanted[at] === '*') {
      star = at++
      resumeAt = position
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resumeAt
    } else return false
  }
  while (wanted[at] === '*') at++
  return at === wanted.length
}

/** A list matches when a pattern does and no `!pattern` does. */
export function matchesPatternList(patterns: readonly string[], text: string): boolean {
  const isRefused = patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), text))
  return !isRefused && patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(pattern, text))
}
