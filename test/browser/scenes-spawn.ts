import type { Page } from 'playwright'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { visible, type Scene } from './scene.ts'

async function opened(page: Page): Promise<void> {
  await page.getByTestId('spawn-button').click()
  await page.getByTestId('spawn-name').fill('billing-worker-2')
  await page.getByTestId('spawn-more').click()
  await visible(page, 'variable-line')
}

async function filled(page: Page): Promise<void> {
  await opened(page)
  await page.getByTestId('label-key').fill('team')
  await page.getByTestId('label-value').fill('blue')
  await page.getByTestId('spawn-command').fill('set -e\nsh /run/pilothouse/startup/files/setup.sh')
  await page.getByTestId('variable-name').fill('API_TOKEN')
  await page.getByTestId('variable-value').fill('not-a-real-token')
  const toml = { name: 'app.toml', mimeType: 'text/plain', buffer: Buffer.from('port = 8080\n') }
  const setup = { name: 'setup.sh', mimeType: 'text/plain', buffer: Buffer.from('#!/bin/sh\necho up\n') }
  await page.getByTestId('file-picker').setInputFiles([toml, setup])
  await page.getByTestId('file-executable').nth(1).click()
}

/** The part of the spawn form that few spawns need. */
export const SPAWN_SCENES: readonly Scene[] = [
  {
    name: 'spawn-more',
    fleet: () => sampleFleet(19),
    arrive: async (page) => {
      await opened(page)
      await page.getByTestId('spawn-more').scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'spawn-more-filled',
    fleet: () => sampleFleet(19),
    sizes: ['wide', 'narrow', 'huge'],
    arrive: filled,
  },
  {
    name: 'spawn-more-errors',
    fleet: () => sampleFleet(19),
    arrive: async (page) => {
      await filled(page)
      await page.getByTestId('variable-add').click()
      await page.getByTestId('variable-name').nth(1).fill('2ND')
      const photo = { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]) }
      const big = { name: 'dump.sql', mimeType: 'text/plain', buffer: Buffer.alloc(300_000, 'x') }
      await page.getByTestId('file-picker').setInputFiles([photo, big])
      await page.getByTestId('file-paste').click()
      await page.getByTestId('file-path').last().fill('app.toml')
      await page.getByTestId('file-text').fill('port = 9090')
      await visible(page, 'file-refusals')
    },
  },
]
