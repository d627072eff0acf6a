import { LINT_CHECKS, TYPE_CHECKS, type Check } from '../lib/checks.ts'

/** One stage of `npm test`; its name chooses it on the command line. */
export type Stage = { readonly name: string; readonly what: string } & (
  | { readonly kind: 'checks'; readonly checks: readonly Check[] }
  | {
      readonly kind: 'vitest'
      /** Starts hosts, guests or logins of its own. */
      readonly needsRoot: boolean
      /** Opens windows. */
      readonly needsShells?: boolean
      readonly environment?: Readonly<Record<string, string>>
      /** Only these files, or folders, of it; all where absent. */
      readonly files?: readonly string[]
      /** After this the stage is ended and has failed, in minutes. */
      readonly deadlineMin: number
    }
)

/** In the order in which they run: what is quick and tells most comes first. */
export const STAGES: readonly Stage[] = [
  { name: 'lint', what: 'style, walls, unused code, format', kind: 'checks', checks: LINT_CHECKS },
  { name: 'types', what: 'every folder with its own runtime', kind: 'checks', checks: TYPE_CHECKS },
  { name: 'unit', what: 'functions and classes', kind: 'vitest', needsRoot: false, deadlineMin: 5 },
  { name: 'contract', what: 'both ends of every contract', kind: 'vitest', needsRoot: false, deadlineMin: 5 },
  { name: 'browser', what: 'components in a browser', kind: 'vitest', needsRoot: false, deadlineMin: 5 },
  { name: 'integration', what: 'real sshd, real guests', kind: 'vitest', needsRoot: true, deadlineMin: 15 },
  { name: 'conformance', what: 'every driver keeps its promises', kind: 'vitest', needsRoot: true, deadlineMin: 10 },
  { name: 'e2e', what: 'the windows', kind: 'vitest', needsRoot: true, needsShells: true, deadlineMin: 15 },
  {
    name: 'faults',
    what: 'a sample of each fault suite',
    kind: 'vitest',
    needsRoot: true,
    needsShells: true,
    environment: { PILOTHOUSE_FAULT_SAMPLE: '1' },
    deadlineMin: 10,
  },
]

/** The fault suites whole; `npm test` runs a sample of them. */
export const FAULT_SUITES: Stage = {
  name: 'faults',
  what: 'what is killed, cut or full',
  kind: 'vitest',
  needsRoot: true,
  needsShells: true,
  deadlineMin: 120,
}

/** Stages by name, in their own order. Throws for a name that no stage has. */
export function chooseStages(names: readonly string[]): readonly Stage[] {
  const unknown = names.find((name) => !STAGES.some((stage) => stage.name === name))
  if (unknown !== undefined) {
    throw new Error(`There is no stage "${unknown}"; there are ${STAGES.map((stage) => stage.name).join(', ')}.`)
  }
  return names.length === 0 ? STAGES : STAGES.filter((stage) => names.includes(stage.name))
}
