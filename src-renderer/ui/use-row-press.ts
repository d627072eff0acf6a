import type { Failure } from '../../src-shared/error.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useFailureHere } from './failure-toast.ts'

interface Offer<Action> {
  readonly action: Action
  readonly label: string
  /** Why it cannot be pressed now; null when it can. */
  readonly block: string | null
}

/** Presses an action in a row of a list, which has no place of its own for a refusal; one that is blocked does nothing. */
export function useRowPress<Action>(press: (action: Action, row: EnvironmentRow) => Promise<Failure | null>) {
  const tellFromHere = useFailureHere()

  return async function pressInRow({ action, label, block }: Offer<Action>, row: EnvironmentRow): Promise<void> {
    if (block !== null) return
    const tell = tellFromHere()
    const failure = await press(action, row)
    if (failure !== null) tell(`${label} of ${row.environment.name} was not accepted`, failure)
  }
}
