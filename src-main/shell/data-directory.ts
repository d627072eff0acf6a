import { join } from 'node:path'

/**
 * Where a console keeps its list of hosts, the same for every shell of one user: Electron's own per-user folder for
 * `pilothouse`. `PILOTHOUSE_DATA_DIR` names another one; `XDG_CONFIG_HOME` moves all of them together.
 */
export function dataDirectory(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const named = env['PILOTHOUSE_DATA_DIR']
  if (named !== undefined && named !== '') return named
  const configHome = env['XDG_CONFIG_HOME']
  return join(configHome === undefined || configHome === '' ? join(home, '.config') : configHome, 'pilothouse')
}
