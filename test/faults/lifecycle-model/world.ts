import { expect } from 'vitest'
import type { ErrorCode } from '../../../src-shared/error.ts'
import type { Environment } from '../../../src-shared/model/environment.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { DriverFailure } from '../../../host-daemon/drivers/vm-driver.ts'
import { newCommandId, refusalOf, spawnInput, type FakeDriverDaemon } from '../../support/fake-driver-daemon.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Deed } from './deeds.ts'
import { ModelEnvironment, type ModelTicket } from './model.ts'

type Client = ReturnType<FakeDriverDaemon['as']>
type Power = 'start' | 'stop' | 'reboot' | 'recover'
type Run = Extract<Deed, { kind: 'run' }>

/** The real thing on one side, the model on the other; every deed is done to both, and they are compared. */
export class LifecycleWorld {
  private host: FakeDriverDaemon
  private sequences = 0
  private name = ''
  private model: ModelEnvironment | undefined
  private tickets: ModelTicket[] = []
  private last: { again: () => Promise<Operation>; id: string } | undefined

  constructor(host: FakeDriverDaemon) {
    this.host = host
  }

  async liveThrough(deeds: readonly Deed[]): Promise<void> {
    this.name = `m${(this.sequences += 1)}`
    ;[this.model, this.tickets, this.last] = [undefined, [], undefined]
    for (const deed of [{ kind: 'spawn' } as const, ...deeds]) {
      await this.perform(deed)
      await this.compare(deed)
    }
    await this.clear()
  }

  async remove(): Promise<void> {
    await this.host.remove()
  }

  private get client(): Client {
    return this.host.as('admin', 'ada')
  }

  private async perform(deed: Deed): Promise<void> {
    switch (deed.kind) {
      case 'spawn':
        return this.spawn()
      case 'start':
      case 'stop':
      case 'reboot':
      case 'recover':
        return this.power(deed.kind)
      case 'stale':
        return this.staleCommand(deed.command)
      case 'failing':
        return this.failing(deed.command)
      case 'again':
        return this.again()
      case 'protect':
        return this.protect(deed.isProtected)
      case 'plan':
        return this.plan(deed.of)
      case 'run':
        return this.run(deed)
      case 'guest exits':
        return this.guestExits()
      case 'home vanishes':
        return this.homeVanishes()
      case 'daemon restarts':
        this.host = await this.host.restart()
    }
  }

  private async spawn(): Promise<void> {
    const input = spawnInput(this.name)
    const call = () => this.client.environments.spawn(input)
    if (this.model !== undefined) return this.refused(call(), ['name_taken'])
    const ended = await this.done(call)
    expect(ended.status.kind).toBe('succeeded')
    this.model = new ModelEnvironment((await this.look()).home.id)
  }

  private async power(kind: Power, failure?: DriverFailure): Promise<void> {
    const input = { commandId: newCommandId(), environment: this.name, generation: this.model?.generation }
    const call = () => this.client.environments[kind](input)
    if (this.model === undefined) return this.refused(call(), ['not_found'])
    const refusals = this.model.refusalsOf(kind)
    if (refusals.length > 0) return this.refused(call(), refusals)
    const ended = await this.done(call)
    expect(ended.status.kind, `${kind}: ${JSON.stringify(ended.status)}`).toBe(
      this.model.succeeds(kind, failure !== undefined) ? 'succeeded' : 'failed',
    )
    this.model.apply(kind, failure !== undefined)
  }

  /** A command of somebody who saw an older generation changes nothing. */
  private async staleCommand(kind: Power): Promise<void> {
    if (this.model === undefined) return
    const generation = this.model.generation + 1
    const input = { commandId: newCommandId(), environment: this.name, generation }
    const codes: ErrorCode[] = ['generation_mismatch', ...this.model.refusalsOf(kind)]
    await this.refused(this.client.environments[kind](input), codes)
  }

  private async failing(kind: 'start' | 'recover'): Promise<void> {
    if (this.model === undefined || !this.model.startsGuest(kind)) return
    const failure = new DriverFailure('hypervisor_failed', 'It was told to fail.')
    for (let attempt = 0; attempt < 2; attempt += 1) this.host.driver.failNext('startGuest', failure)
    await this.power(kind, failure)
    this.host.driver.forgetFailures()
  }

  /** The very same command once more is answered with the same operation, whatever has happened since. */
  private async again(): Promise<void> {
    if (this.last !== undefined) expect((await this.last.again()).id).toBe(this.last.id)
  }

  private async protect(isProtected: boolean): Promise<void> {
    const call = this.client.environments.setProtection({ environment: this.name, isProtected })
    if (this.model === undefined) return this.refused(call, ['not_found'])
    await call
    this.model.isProtected = isProtected
  }

  private async plan(kind: 'reset' | 'destroy'): Promise<void> {
    const call = this.client.environments[kind].plan({ environment: this.name })
    if (this.model === undefined) return this.refused(call, ['not_found'])
    if (this.model.isProtected) return this.refused(call, ['deletion_protected'])
    const { plan, ticket } = await call
    this.tickets.push({ id: ticket.id, kind, facts: this.model.facts(), needsName: plan.needsName, isUsed: false })
  }

  private async run({ of: kind, pick, by, isNamed }: Run): Promise<void> {
    const ticket = this.tickets[pick % Math.max(1, this.tickets.length)]
    const confirmName = isNamed ? this.name : 'another-name'
    const input = { commandId: newCommandId(), environment: this.name, confirmName, ticket: ticket?.id }
    const call = () => this.host.as('admin', by).environments[kind].run(input)
    const refusals = this.refusalsOfRun(kind, { ticket, by, isNamed })
    if (refusals.length > 0 || ticket === undefined || this.model === undefined) return this.refused(call(), refusals)
    const ended = await this.done(call)
    expect(ended.status.kind, `${kind}: ${JSON.stringify(ended.status)}`).toBe('succeeded')
    ticket.isUsed = true
    if (kind === 'destroy') this.model = undefined
    else this.model.reset((await this.look()).home.id)
  }

  private refusalsOfRun(
    kind: 'reset' | 'destroy',
    { ticket, by, isNamed }: { ticket: ModelTicket | undefined; by: string; isNamed: boolean },
  ): ErrorCode[] {
    if (ticket === undefined) return ['ticket_required', ...(this.model === undefined ? (['not_found'] as const) : [])]
    const codes: ErrorCode[] = []
    if (ticket.kind !== kind) codes.push('ticket_invalid')
    if (by !== 'ada') codes.push('ticket_foreign')
    if (ticket.isUsed) codes.push('ticket_used')
    if (this.model === undefined) return [...codes, 'not_found', 'ticket_invalid']
    if (this.model.isProtected) codes.push('deletion_protected')
    if (ticket.facts !== this.model.facts()) codes.push('plan_outdated', 'ticket_invalid')
    if (ticket.needsName && !isNamed) codes.push('invalid_request')
    return codes
  }

  private async guestExits(): Promise<void> {
    if (this.model?.isUp !== true) return
    this.host.machine.kill((await this.look()).boot?.id ?? '')
    this.model.isUp = false
    await waitFor('the exit to be noticed', async () => (await this.look()).observed.kind === 'lost')
  }

  private homeVanishes(): Promise<void> {
    if (this.model !== undefined) this.host.machine.homes.delete(this.model.homeId)
    if (this.model !== undefined) this.model.isHomeThere = false
    return Promise.resolve()
  }

  private async done(call: () => Promise<Operation>): Promise<Operation> {
    const { id } = await call()
    this.last = { again: call, id }
    return this.client.operations.wait({ id, timeoutMs: 20_000 })
  }

  private async refused(call: Promise<unknown>, codes: readonly ErrorCode[]): Promise<void> {
    expect(codes).toContain((await refusalOf(call)).code)
  }

  private look(): Promise<Environment> {
    return this.client.environments.get({ environment: this.name })
  }

  private async compare(deed: Deed): Promise<void> {
    const says = `after ${JSON.stringify(deed)}`
    const { model } = this
    if (model === undefined) return this.refused(this.look(), ['not_found'])
    const found = await this.look()
    expect(
      {
        generation: found.generation,
        homeId: found.home.id,
        isProtected: found.isProtected,
        isUp: found.observed.kind === 'running',
        operationId: found.operationId,
      },
      says,
    ).toEqual({
      generation: model.generation,
      homeId: model.homeId,
      isProtected: model.isProtected,
      isUp: model.isUp,
      operationId: null,
    })
    const guests = this.host.machine.guests
      .ids()
      .filter((id) => this.host.machine.guests.get(id)?.environmentId === found.id)
    expect(guests.length, says).toBe(model.isUp ? 1 : 0)
    expect(this.host.machine.mostGuestsPerHome).toBe(1)
  }

  /** Destroys what is left, so that the next sequence is as quick as the first. */
  private async clear(): Promise<void> {
    if (this.model === undefined) return
    await this.protect(false)
    this.tickets = []
    await this.plan('destroy')
    await this.run({ kind: 'run', of: 'destroy', pick: 0, by: 'ada', isNamed: true })
  }
}
