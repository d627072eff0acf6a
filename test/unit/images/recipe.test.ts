import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRecipe, recipeDigest } from '../../../host-daemon/images/recipe.ts'

const PLAIN = {
  name: 'whole',
  version: '1',
  kernelPackage: ['kernel'],
  packages: [['busybox']],
  modules: ['overlay'],
  programs: { busybox: 'bin/busybox' },
  files: [],
  directories: ['dev'],
  commandLine: ['panic=-1'],
}
const WITH_SYSTEM = { ...PLAIN, system: { packages: [['systemd']] } }

describe('a recipe', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-recipe-'))
    await put('recipe.json', JSON.stringify(WITH_SYSTEM))
    await put('root/init', 'first')
    await put('system/etc/motd', 'hello')
    await put('system-setup', 'true')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function put(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  const digest = async (): Promise<string> => recipeDigest(await readRecipe(folder))

  it('has a system only where it names what that consists of', async () => {
    expect((await readRecipe(folder)).system).toMatchObject({ packages: [['systemd']], setup: 'true' })
    await put('recipe.json', JSON.stringify(PLAIN))
    expect(await readRecipe(folder)).not.toHaveProperty('system')
  })

  it.each([
    ['a file of the system', () => put('system/etc/motd', 'hello!')],
    ['its name', () => put('system/etc/motd.d/more', '')],
    ['its mode', () => chmod(join(folder, 'system/etc/motd'), 0o755)],
    ['the setup', () => put('system-setup', 'false')],
    ['the init', () => put('root/init', 'second')],
    ['the packages', () => put('recipe.json', JSON.stringify({ ...PLAIN, system: { packages: [['runit']] } }))],
    ['having a system', () => put('recipe.json', JSON.stringify(PLAIN))],
    ['the check', () => put('recipe.json', JSON.stringify({ ...WITH_SYSTEM, check: ['/bin/true'] }))],
  ])('is another one after a change of %s', async (_what, change) => {
    const before = await digest()
    expect(await digest()).toBe(before)
    await change()
    expect(await digest()).not.toBe(before)
  })

  it('is refused where a system has nothing to install', async () => {
    await put('recipe.json', JSON.stringify({ ...PLAIN, system: { packages: [] } }))
    await expect(readRecipe(folder)).rejects.toThrow()
  })
})
