import type { Page } from 'playwright'
import type { EnvironmentId, HostId } from '../../src-shared/model/ids.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'

/** One picture: a fleet, what the fake does before, and how the screen is reached. */
export interface Scene {
  readonly name: string
  readonly path?: string
  readonly sizes?: readonly ('wide' | 'narrow' | 'huge')[]
  fleet(): ConstructorParameters<typeof FakeApp>[0]
  prepare?(app: FakeApp): void
  arrive(page: Page, app: FakeApp): Promise<void>
}

export const HOST = 'host-00000001' as HostId
export const LOG = [
  '[    0.000000] Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)\r\n',
  '[    0.412207] virtio_blk virtio1: [vda] 4194304 512-byte logical blocks\r\n',
  '[    0.520114] EXT4-fs (vda): mounted filesystem with ordered data mode\r\n',
  'init: home mounted at /home (1.3 GiB used of 4.0)\r\n',
  'init: agent listening on org.qemu.guest_agent.0\r\n',
  'service: starting notebook server\r\n',
  '\x1b[33mservice: session 9 had unsaved changes, recovered from journal\x1b[0m\r\n',
  '\x1b[32m/home #\x1b[0m echo hello-$((6*7))\r\nhello-42\r\n\x1b[32m/home #\x1b[0m ',
].join('')

export const ids = (count: number) => sampleFleet(count).states[0]?.environments ?? []
export const first = (): EnvironmentId => ids(8)[0]?.id ?? ('' as EnvironmentId)
export const visible = (page: Page, id: string) => page.getByTestId(id).first().waitFor({ timeout: 5000 })

export function withConsole(app: FakeApp): void {
  app.boot(HOST, first()).write(LOG)
}

export async function spawned(page: Page, name = 'billing-worker-2'): Promise<void> {
  await page.getByTestId('spawn-button').click()
  await page.getByTestId('spawn-name').fill(name)
  await page.getByTestId('spawn-owner').click()
  await page.getByRole('option', { name: /northwind/ }).click()
  await page.getByTestId('spawn-submit').click()
  await visible(page, 'progress')
}

export async function drawn(page: Page): Promise<void> {
  await page.getByText('hello-42', { exact: true }).first().waitFor({ timeout: 5000 })
}

/** Presses an action in the menu of the environment's page. */
export async function pressed(page: Page, action: string): Promise<void> {
  await page.getByTestId('actions').click()
  await page.getByTestId(action).click()
}
