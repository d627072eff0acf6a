import { defineStore } from 'pinia'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { EnvironmentName } from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import { useApi } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useClockStore } from './clock.ts'
import { useFleetStore } from './fleet.ts'

/** Changes that touch neither guest nor home. Each resolves with null when the host has made it, and rejects with a PilothouseError. */
export const useEnvironmentDetailsStore = defineStore('environment-details', () => {
  const api = useApi()
  const fleet = useFleetStore()
  const clock = useClockStore()

  async function took({ hostId }: EnvironmentRow, answer: Promise<Environment>): Promise<null> {
    const environment = await answer
    fleet.apply({ type: 'environment_changed', hostId, environment, confirmedAt: clock.now })
    return null
  }

  function rename(row: EnvironmentRow, name: EnvironmentName): Promise<null> {
    const input = { environment: row.environment.id, name }
    return took(
      row,
      api.call((client, options) => client.host.environments.rename(input, options), { hostId: row.hostId }),
    )
  }

  /** Replaces all labels. */
  function setLabels(row: EnvironmentRow, labels: Labels): Promise<null> {
    const input = { environment: row.environment.id, labels }
    return took(
      row,
      api.call((client, options) => client.host.environments.setLabels(input, options), { hostId: row.hostId }),
    )
  }

  function setProtection(row: EnvironmentRow, isProtected: boolean): Promise<null> {
    const input = { environment: row.environment.id, isProtected }
    return took(
      row,
      api.call((client, options) => client.host.environments.setProtection(input, options), { hostId: row.hostId }),
    )
  }

  return { rename, setLabels, setProtection }
})
