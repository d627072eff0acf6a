import type { Command } from 'commander'
import { appContract } from '../../../../src-shared/contract/app.ts'
import { metaAt } from '../../../../src-shared/contract/client.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import type { TrustedHead } from '../../../../src-shared/lib/activity-chain.ts'
import { pagesOf, verifyChain } from '../../../activity/verify-chain.ts'
import type { PinnedHead } from '../../../store/pinned-heads.ts'
import { parseHead, readHeadFile, writeHeadFile } from '../head-file.ts'
import type { Invocation } from '../invocation.ts'
import type { DaemonTarget } from '../ports.ts'
import { activityHeadFacts, verdictText } from '../render/activity.ts'
import { runCall, summaryOf } from './call-command.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

/** `activity head` with its export, and `activity verify`. */
export function addActivityCommands(place: Place): void {
  addHead(place)
  addVerify(place)
}

function addHead({ program, perform }: Place): void {
  const command = commandAt(program, ['activity', 'head'])
    .description(summaryOf('activity.head'))
    .option(
      '--export <file>',
      'write it as JSON, for this user alone: a trusted head for `activity verify --head-file`',
    )
  command.action(() => {
    const { export: file } = command.opts<{ export?: string }>()
    return perform(command, (invocation) =>
      file === undefined ? runCall({ name: 'activity.head', input: {} }, invocation) : exportHead(file, invocation),
    )
  })
}

async function exportHead(file: string, invocation: Invocation): Promise<void> {
  const { deps, output } = invocation
  const target = invocation.target()
  const { client } = await invocation.connect()
  const host = target.kind === 'host' ? target.name : (await client.hello({}, invocation.callOptions)).hostName
  const { seq, hash } = await client.activity.head({}, invocation.callOptions)
  const exported = { host, seq, hash, at: deps.clock.now() }
  await writeHeadFile(file, exported, deps.random.hex(8))
  output.item({ file, ...exported }, () => `${activityHeadFacts(exported)}\nexported  ${file}`)
}

interface VerifyOptions {
  readonly head: readonly string[]
  readonly headFile: readonly string[]
}

const collect = (word: string, before: readonly string[]): string[] => [...before, word]

function addVerify({ program, perform }: Place): void {
  const summary = metaAt(appContract, ['activity', 'verify'])?.summary ?? ''
  const command: Command = commandAt(program, ['activity', 'verify'])
    .description(
      `${summary} By --socket there are none, only the given ones. Without any it says "consistent, not anchored". The head that it finds is pinned for the next time.`,
    )
    .option('--head <seq:hash>', 'a trusted head that you kept; may be repeated', collect, [])
    .option('--head-file <file>', 'a trusted head that was exported; may be repeated', collect, [])
  command.action(() => {
    const options = command.opts<VerifyOptions>()
    return perform(command, (invocation) => verify(options, invocation))
  })
}

async function verify(options: VerifyOptions, invocation: Invocation): Promise<void> {
  const { deps, output } = invocation
  const target = invocation.target()
  const given = [...options.head.map(parseHead), ...(await headsIn(options.headFile, target, invocation))]
  // Before the connection: whatever the host tells over it comes later than these.
  const pins = pinsOf(target, invocation)
  const { client } = await invocation.connect()
  const read = pagesOf(
    () => client,
    () => invocation.callOptions,
  )
  const verdict = await verifyChain(read, [...given, ...pins])
  // Of a record whose very first entry is none, no end was told.
  if (target.kind === 'host' && (verdict.kind !== 'broken' || verdict.head.seq > 0))
    deps.openHeadPins().pin(target.name, verdict.head, pins)
  output.item(verdict, () => verdictText(verdict))
  if (verdict.kind === 'broken') throw new PilothouseError('record_broken', verdict.says)
  if (verdict.kind === 'unanchored') output.note(unanchoredNote(target))
}

function pinsOf(target: DaemonTarget, { deps }: Invocation): readonly PinnedHead[] {
  return target.kind === 'host' ? deps.openHeadPins().list(target.name) : []
}

async function headsIn(files: readonly string[], target: DaemonTarget, { output }: Invocation): Promise<TrustedHead[]> {
  const heads: TrustedHead[] = []
  for (const file of files) {
    const { host, seq, hash, at } = await readHeadFile(file)
    if (target.kind === 'host' && target.name !== host) output.note(`${file} was exported from ${host}.`)
    heads.push({ head: { seq, hash }, seenAt: at })
  }
  return heads
}

function unanchoredNote(target: DaemonTarget): string {
  const why = 'No trusted head of an entry was given or pinned: nothing says that this is the record that was written.'
  const next = target.kind === 'host' ? 'Its end is pinned from now on.' : 'Give --head or --head-file.'
  return `${why} ${next}`
}
