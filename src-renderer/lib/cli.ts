import type { EnvironmentSize } from '../../src-shared/model/environment.ts'

/** The CLI form of what a button does, to copy. Every value is of a closed grammar, so that none needs quoting. */
export function environmentCli(verb: string, name: string, host: string): string {
  return `pilothouse env ${verb} ${name} --host ${host}`
}

export function spawnCli(
  host: string,
  request: { name: string; owner: string; image: string; size: EnvironmentSize },
): string {
  const { name, owner, image, size } = request
  const sizes = `--cpus ${size.cpus} --memory-mib ${size.memoryMiB} --home-mib ${size.homeMiB}`
  return `pilothouse env spawn ${name || 'NAME'} --host ${host || 'HOST'} --owner ${owner || 'OWNER'} --image ${image || 'IMAGE'} ${sizes}`
}
