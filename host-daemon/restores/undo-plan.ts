import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { UndoPlan } from '../../src-shared/model/restore.ts'
import { bytesOf, type HomeFinding } from '../environments/plan-home.ts'
import { timeOf } from '../environments/plan-words.ts'
import type { EnvironmentDeadlines } from '../environments/toolkit.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { keptSentence } from './swap-words.ts'
import type { UndoableHome } from './undo-kept.ts'

export interface UndoFindings {
  readonly environment: StoredEnvironment
  /** The home as it is now. */
  readonly home: HomeFinding
  readonly kept: UndoableHome
  /** What the kept home takes on disk. */
  readonly keptBytes: number
}

export interface UndoSurroundings {
  readonly hostName: string
  readonly deadlines: EnvironmentDeadlines
  readonly facts: PlanFacts
}

/** The plan of an undo, with the text that is shown, logged and recorded. Nothing is lost before the deadline. */
export function undoPlan(found: UndoFindings, around: UndoSurroundings): UndoPlan {
  const { environment, kept, home } = found
  const { id, name, generation } = environment
  const losses = [`What was written since ${timeOf(kept.keptAt)} is not in the home that comes back.`]
  const keeps = keepsOf(found)
  const text = [opening(found, around.hostName), ...losses, ...keeps, ...course(environment, around)].join('\n')
  const about = { environmentId: id, environmentName: name, generation }
  return {
    kind: 'undo_restore',
    ...about,
    text,
    losses,
    keeps,
    homeBytes: bytesOf(home),
    needsName: false,
    hash: hashOf({ kind: 'undo_restore', environmentId: id, facts: around.facts, text }),
    replacedAt: kept.keptAt,
    undoUntil: kept.until,
  }
}

function opening({ environment, kept, keptBytes }: UndoFindings, hostName: string): string {
  const { id, name, owner } = environment
  const what = `the home ${kept.homeId}, which was replaced at ${timeOf(kept.keptAt)} and takes ${bytesText(keptBytes)} on disk`
  return `Undo the restore of ${name} (${id}) of owner ${owner} on host ${hostName}: brings back ${what}, exactly as it was.`
}

function keepsOf({ environment, home, kept }: UndoFindings): string[] {
  const undo =
    home.kind === 'absent'
      ? 'Its present home is gone, so that it cannot be kept in turn.'
      : keptSentence({ homeId: environment.home.id, bytes: bytesOf(home), until: kept.until })
  return [
    undo,
    'Its name, id, owner, image, size and labels are kept.',
    'All recovery points and the record of what was done are kept.',
  ]
}

function course({ observed }: StoredEnvironment, { deadlines }: UndoSurroundings): string[] {
  const { startMs, stopGraceMs, stopForceMs } = deadlines
  const most = Math.ceil((startMs + stopGraceMs + stopForceMs) / 1000)
  const isDown = observed.kind === 'stopped' || observed.kind === 'lost'
  const fate = isDown ? 'is not running; it is started' : 'is stopped, gracefully if it can, and started again'
  return [
    `The guest ${fate} on the home that comes back.`,
    `It is down for one stop, the swap and one boot: at most ${most} s before that is given up.`,
    'Until the guest is ready on it, any failure brings the present home back, and the guest is as it was.',
    'No disk is needed beyond what both homes take already.',
  ]
}
