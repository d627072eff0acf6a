import { runAny } from './run.ts'

/** argv in front of a program that needs root: none as root, else sudo. Throws where there is no way, saying so. */
export async function rootPrefix(why: string): Promise<readonly string[]> {
  if (process.getuid?.() === 0) return []
  if ((await runAny(['sudo', '-n', 'true']).catch(() => undefined))?.exitCode === 0) return ['sudo', '-n']
  if (
    process.stdin.isTTY &&
    (await runAny(['sudo', '-v'], { output: 'inherit' }).catch(() => undefined))?.exitCode === 0
  ) {
    return ['sudo']
  }
  throw new Error(`${why} needs root, and sudo cannot be used here.`)
}
