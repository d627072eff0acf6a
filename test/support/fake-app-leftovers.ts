import { PilothouseError } from '../../src-shared/error.ts'
import {
  driftItemSchema,
  type DriftItem,
  type DriftPlan,
  type DriftReport,
  type DriftResult,
} from '../../src-shared/model/drift.ts'
import { sampleDaemon } from './fake-app-samples.ts'

/** One host's leftovers in memory, previewed and removed without touching anything. */
export class FakeLeftovers {
  items: DriftItem[] = []
  problems: string[] = []
  /** Why an item cannot be removed, by its id. */
  readonly stubborn = new Map<string, string>()
  private planned: readonly DriftItem[] = []

  report(): DriftReport {
    return { surveyedAt: Date.now(), items: [...this.items], problems: [...this.problems] }
  }

  plan(ids: readonly string[]): DriftPlan {
    const items = this.items.filter(({ id }) => ids.includes(id))
    if (items.length < ids.length) throw new PilothouseError('not_found', 'One of them is no longer there.')
    this.planned = items
    const losses = items
      .filter(({ holdsData }) => holdsData)
      .map(({ id }) => `${id} and the data in it are removed for good.`)
    const text = [
      `${items.length} leftovers are removed from this host.`,
      ...losses,
      'No environment on record is touched.',
    ]
    return {
      hostName: sampleDaemon().hostName,
      text: text.join('\n'),
      losses,
      items,
      needsName: losses.length > 0,
      hash: 'b'.repeat(64),
    }
  }

  run(): DriftResult {
    const ids = this.planned.map(({ id }) => id)
    const failed = ids.flatMap((id) => {
      const problem = this.stubborn.get(id)
      return problem === undefined ? [] : [{ id, problem }]
    })
    const removed = ids.filter((id) => !this.stubborn.has(id))
    this.items = this.items.filter(({ id }) => !removed.includes(id))
    return { removed, failed }
  }
}

/** One of every kind, the same ones every time. */
export function sampleLeftovers(): DriftItem[] {
  const rows: [string, string | null, string, number | null, boolean][] = [
    [
      'guest:boot-00000000000000a1',
      'env-0a1b2c3d',
      'Process 4121 has run since 09:12 and belongs to no boot.',
      null,
      false,
    ],
    ['boot_files:boot-00000000000000a2', 'env-0a1b2c3d', 'A control socket and a console pipe.', 4096, false],
    ['boot_files:boot-00000000000000a3', null, 'A control socket.', 2048, false],
    [
      'home:home-00000000000000a4',
      null,
      'A home of 4 GiB, last written three days ago; nobody on record owns it.',
      1_395_864_371,
      true,
    ],
    [
      'half_made_home:home-00000000000000a5',
      'env-0a1b2c3e',
      'Its making stopped before its file system was written.',
      65_536,
      false,
    ],
    [
      'removed_home:home-00000000000000a6',
      'env-0a1b2c3f',
      'crawler was destroyed on 12 November; its home stayed.',
      812_000_000,
      true,
    ],
  ]
  return rows.map(([id, environmentId, detail, bytes, holdsData]) =>
    driftItemSchema.parse({ id, kind: id.split(':')[0], environmentId, detail, bytes, holdsData }),
  )
}
