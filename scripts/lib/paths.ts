import { dirname, join } from 'node:path'

/** The project's own folder. */
export const ROOT = dirname(dirname(import.meta.dirname))

export function fromRoot(...parts: string[]): string {
  return join(ROOT, ...parts)
}

/** A program that npm installed with the project. */
export function installedProgram(name: string): string {
  return fromRoot('node_modules', '.bin', name)
}
