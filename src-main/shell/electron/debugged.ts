import { url } from 'node:inspector'

/** Whether somebody started this process to look into it; only then may its walls have doors. */
export function isDebugged(): boolean {
  return url() !== undefined
}
