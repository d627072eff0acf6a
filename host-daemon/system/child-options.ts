import type { SpawnOptions } from 'node:child_process'

/** Mounted and privileged tools live in directories that an ordinary login's PATH does not name. */
const TOOL_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
/** What a child may know of the daemon's environment; nothing secret is among it. */
const INHERITED = [
  'HOME',
  'TMPDIR',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'APT_CONFIG',
]

/** How every child starts: without a shell, in a known folder, with a small environment that holds nothing secret. */
export function childOptions(request: {
  readonly workingDirectory?: string
  readonly environment?: Readonly<Record<string, string>>
}): SpawnOptions {
  return {
    cwd: request.workingDirectory ?? '/',
    env: { ...inheritedEnvironment(), ...request.environment },
    shell: false,
    windowsHide: true,
  }
}

function inheritedEnvironment(): Record<string, string> {
  const own = (process.env['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/'))
  const kept = INHERITED.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  const path = [...new Set([...own, ...TOOL_DIRECTORIES])].join(':')
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path, LC_ALL: 'C.UTF-8' }
}
