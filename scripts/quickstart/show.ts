import { findChromium } from '../lib/chromium.ts'
import type { Teardown } from '../lib/teardown.ts'
import { hasDisplay } from '../window/display.ts'
import { openPersonBrowser, openPersonElectron, type PersonWindow } from '../window/person-window.ts'
import { defaultAuthority } from '../window/user.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'

const FIRST_ENVIRONMENT = 'hello'

/** Id of the first environment, which is made, or started, without waiting for it: the window shows that. */
async function firstEnvironment({ cli }: Session, progress: Progress): Promise<string> {
  const present = (await cli.environments()).find(({ name }) => name === FIRST_ENVIRONMENT)
  if (present === undefined) {
    progress.say(`Making the first environment, ${FIRST_ENVIRONMENT}.`)
    return cli.spawn(FIRST_ENVIRONMENT)
  }
  if (present.observed.kind !== 'running') await cli.start(FIRST_ENVIRONMENT)
  return present.id
}

async function openWindow(session: Session, route: string): Promise<PersonWindow> {
  const { user, cli, electron } = session
  const environment = { ...cli.environment, ...(await defaultAuthority()) }
  const options = { user, environment, route }
  if (!hasDisplay()) return openPersonBrowser(options, undefined)
  if (electron.kind === 'found') return openPersonElectron(electron, options)
  return openPersonBrowser(options, findChromium() === undefined ? undefined : electron.why)
}

/** Stops every guest in order, as a person would; what is left is ended with the host. */
async function stopGuests({ cli }: Session): Promise<void> {
  const running = (await cli.environments()).filter(({ observed }) => observed.kind === 'running')
  await Promise.all(running.map(({ name }) => cli.stop(name)))
}

/** Opens the window on the first environment's console; resolves when the person closes it. */
export async function show(session: Session, progress: Progress, teardown: Teardown): Promise<void> {
  teardown.defer('the guests', () => stopGuests(session))
  const environmentId = await firstEnvironment(session, progress)
  const window = await openWindow(session, `/environments/${session.hostId}/${environmentId}`)
  teardown.defer('the window', () => window.close())
  progress.say(window.says)
  await window.closed
}
