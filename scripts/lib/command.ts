/** Runs a command's whole work. What it throws is said as it is, without a stack, and the exit status is 1. */
export async function command(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`\n${said(error)}\n`)
    process.exitCode = 1
  }
}

/** The message, and those of what caused it, one a line. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}\n${said(error.cause)}`
}
