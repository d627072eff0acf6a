import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import { quotedSafely } from './shell-word.ts'

/** The CLI form of what a button about recovery points does, to copy. */

/** Which environment's, on which host, and which of its points; null where none is chosen yet. */
export interface PointWords {
  readonly name: string
  readonly host: string
  readonly point: string | null
}

function cli(verb: string, { host }: PointWords, words: readonly string[]): string {
  return ['pilothouse', verb, ...words, '--host', host || 'HOST'].join(' ')
}

function pointed({ point }: PointWords): string {
  return `--point ${point === null ? 'POINT' : point.slice(0, 16)}`
}

/** `plan` asks for the plan and a ticket; `run` plans, shows, asks for the name, and runs. */
export function restoreCli(verb: 'plan' | 'run', where: PointWords, isStopNow: boolean): string {
  return cli(`restore ${verb}`, where, [where.name, pointed(where), ...(isStopNow ? ['--stop-now'] : [])])
}

export function undoCli(where: Omit<PointWords, 'point'>): string {
  return `${cli('restore undo', { ...where, point: null }, [where.name])} --plan`
}

/** `homeId`: one that is kept for review; null: the one that is kept for undo. */
export function dropCli(where: Omit<PointWords, 'point'>, homeId: string | null): string {
  const words = [where.name, ...(homeId === null ? [] : ['--home', homeId])]
  return `${cli('restore drop', { ...where, point: null }, words)} --plan`
}

interface CloneWords {
  readonly name: string
  readonly owner: string
  readonly image: string | null
  readonly size: Partial<EnvironmentSize>
}

export function cloneCli(where: PointWords, { name, owner, image, size }: CloneWords): string {
  const { cpus, memoryMiB, homeMiB } = size
  return cli('restore clone', where, [
    `${where.name} ${name || 'NAME'}`,
    pointed(where),
    `--owner ${owner || 'OWNER'}`,
    ...(image === null ? [] : [`--image ${image}`]),
    ...(cpus === undefined ? [] : [`--cpus ${cpus}`]),
    ...(memoryMiB === undefined ? [] : [`--memory-mib ${memoryMiB}`]),
    ...(homeMiB === undefined ? [] : [`--home-mib ${homeMiB}`]),
  ])
}

/** A path is a guest's choice: it stands between quotes, and what would act on a terminal is written out by the shell. */
export function filesCli(where: PointWords, paths: readonly string[], folder: string): string {
  const words = paths.length === 0 ? ['PATH'] : paths.map(quotedSafely)
  return cli('restore files', where, [where.name, ...words, pointed(where), `--folder ${folder || 'FOLDER'}`])
}

export function drillCli(where: PointWords, promoteTo: { name: string; owner: string } | null): string {
  const kept =
    promoteTo === null
      ? []
      : [`--promote-to-name ${promoteTo.name || 'NAME'}`, `--promote-to-owner ${promoteTo.owner || 'OWNER'}`]
  return cli('drill', where, [where.name, pointed(where), ...kept])
}
