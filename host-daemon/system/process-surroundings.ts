/** Under which uid this process runs. */
export function ownUid(): number {
  return process.getuid?.() ?? 0
}

/** The terminal and the environment that this process was started with. */
export function processSurroundings() {
  return {
    terminal: {
      out: (line: string) => void process.stdout.write(`${line}\n`),
      error: (line: string) => void process.stderr.write(`${line}\n`),
    },
    environment: process.env as Readonly<Record<string, string | undefined>>,
  }
}
