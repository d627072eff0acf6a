import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, EnvironmentName, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { Requester } from '../operations/requester.ts'
import { isUniqueViolation } from '../store/database.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { refuseQuarantined } from './quarantine.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

/**
 * Changes neither guest nor home, so the generation stays, and whatever is in flight goes on. Nothing is recorded where
 * nothing changes. Throws `name_taken`.
 */
export function rename(
  toolkit: Toolkit,
  caller: Requester,
  change: { readonly ref: EnvironmentRef; readonly name: EnvironmentName },
): EnvironmentId {
  const { store } = toolkit
  return store.db.transaction(() => {
    const environment = targetOf(toolkit, change.ref)
    const { id, name: from } = environment
    const { name: to } = change
    if (from === to) return id
    record(toolkit, caller, { id, action: 'environment.rename', detail: { from, to } })
    try {
      store.environments.setName(id, to)
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw new PilothouseError('name_taken', `There is an environment ${to} on this host already.`)
    }
    return id
  })
}

/** Replaces all labels. Changes neither guest nor home; nothing is recorded where nothing changes. */
export function setLabels(
  toolkit: Toolkit,
  caller: Requester,
  change: { readonly ref: EnvironmentRef; readonly labels: Labels },
): EnvironmentId {
  const { store } = toolkit
  return store.db.transaction(() => {
    const { id, labels: from } = targetOf(toolkit, change.ref)
    const { labels: to } = change
    if (hashOf(from) === hashOf(to)) return id
    store.environments.setLabels(id, to)
    record(toolkit, caller, { id, action: 'environment.label', detail: { from, to } })
    return id
  })
}

/** Also for one in quarantine, so that it can be destroyed. Nothing is recorded where nothing changes. */
export function setProtection(
  toolkit: Toolkit,
  caller: Requester,
  change: { readonly ref: EnvironmentRef; readonly isProtected: boolean },
): EnvironmentId {
  const { store } = toolkit
  return store.db.transaction(() => {
    const { id, isProtected: before } = resolveEnvironment(store, change.ref)
    const { isProtected } = change
    if (before === isProtected) return id
    store.environments.setProtected(id, isProtected)
    record(toolkit, caller, { id, action: 'protection.set', detail: { isProtected } })
    return id
  })
}

function targetOf({ store }: Toolkit, ref: EnvironmentRef): StoredEnvironment {
  const environment = resolveEnvironment(store, ref)
  refuseQuarantined(environment)
  return environment
}

interface Change {
  readonly id: EnvironmentId
  readonly action: 'environment.rename' | 'environment.label' | 'protection.set'
  readonly detail: Readonly<Record<string, unknown>>
}

function record({ store, clock }: Toolkit, { actor, requestId }: Requester, { id, action, detail }: Change): void {
  const about = { actor, requestId, operationId: null, environmentId: id }
  store.activity.append({ ...about, at: clock.now(), action, outcome: 'succeeded', detail })
}
