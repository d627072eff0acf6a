import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { Feed } from '../../../../src-main/fleet/feed.ts'
import type { FleetEvent } from '../../../../src-shared/contract/app.ts'
import { hostIdSchema } from '../../../../src-shared/model/ids.ts'

const hostId = hostIdSchema.parse('host-0000abcd')
const whole = (): FleetEvent => ({ type: 'snapshot', hosts: [], states: [] })

it('listens once for the end of a watch, however long it lasts, and ends with it', async () => {
  const feed = new Feed()
  const over = new AbortController()
  const watch = feed.watch(whole, over.signal)
  expect((await watch.next()).value).toEqual(whole())
  for (let confirmedAt = 1; confirmedAt <= 100; confirmedAt++) {
    const next = watch.next()
    feed.emit({ type: 'state_confirmed', hostId, confirmedAt, activityHead: null })
    expect((await next).value).toMatchObject({ confirmedAt })
  }
  expect(getEventListeners(over.signal, 'abort')).toHaveLength(1)
  const last = watch.next()
  over.abort()
  expect((await last).done).toBe(true)
  expect(getEventListeners(over.signal, 'abort')).toHaveLength(0)
})

it('begins anew with the whole for a watcher that falls far behind', async () => {
  const feed = new Feed()
  const watch = feed.watch(whole)
  await watch.next()
  for (let confirmedAt = 1; confirmedAt <= 5_001; confirmedAt++) {
    feed.emit({ type: 'state_confirmed', hostId, confirmedAt, activityHead: null })
  }
  expect((await watch.next()).value).toEqual(whole())
  await watch.return()
})
