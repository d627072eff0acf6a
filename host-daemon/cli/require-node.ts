const LOWEST_MAJOR = 22

/** Ends the process with a sentence on a Node that would end it without one. */
export function requireNode(): void {
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= LOWEST_MAJOR) return
  process.stderr.write(`pilothoused needs Node ${LOWEST_MAJOR} or newer, and this is Node ${node}.\n`)
  process.exit(1)
}
