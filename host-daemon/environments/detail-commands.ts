import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, EnvironmentName, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Requester } from '../operations/requester.ts'
import type { Toolkit } from './toolkit.ts'

/** Changes neither guest nor home, so the generation stays. Throws `name_taken`. */
export function rename(
  _toolkit: Toolkit,
  _caller: Requester,
  _change: { readonly ref: EnvironmentRef; readonly name: EnvironmentName },
): EnvironmentId {
  throw new PilothouseError('internal', 'Not built yet.')
}

/** Replaces all labels. */
export function setLabels(
  _toolkit: Toolkit,
  _caller: Requester,
  _change: { readonly ref: EnvironmentRef; readonly labels: Labels },
): EnvironmentId {
  throw new PilothouseError('internal', 'Not built yet.')
}
