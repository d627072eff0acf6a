import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const FOLDERS = ['src-shared', 'src-main', 'src-renderer', 'host-daemon']
const FILES = ['.dependency-cruiser.cjs', 'tsconfig.base.json', 'package.json']

let copy: string

/** Runs one of the project's own tools on the copy; its exit code and everything it printed. */
async function run(tool: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const node = join(ROOT, 'node_modules/.bin/node')
  return await new Promise((resolve) => {
    execFile(
      node,
      [join(ROOT, 'node_modules', tool), ...args],
      { cwd: copy, maxBuffer: 1 << 24 },
      (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, output: out + err })
      },
    )
  })
}

const cruise = () =>
  run('dependency-cruiser/bin/dependency-cruiser.mjs', ['--config', '.dependency-cruiser.cjs', ...FOLDERS])
const compile = (folder: string) => run('typescript/bin/tsc', ['-p', folder])

async function plant(path: string, text: string): Promise<() => Promise<void>> {
  await mkdir(dirname(join(copy, path)), { recursive: true })
  await writeFile(join(copy, path), text)
  return async () => rm(join(copy, path))
}

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'pilothouse-walls-'))
  for (const name of [...FOLDERS, ...FILES]) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await plant('src-main/planted-target.ts', 'export const target = 1\n')
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
})

afterAll(async () => rm(copy, { recursive: true, force: true }))

describe('the walls between the folders', () => {
  it('stand in the project as it is', async () => {
    const { code, output } = await cruise()
    expect(output).toContain('no dependency violations found')
    expect(code).toBe(0)
  })

  it.each([
    ['renderer-stands-alone', 'src-renderer/planted.ts', "import '../host-daemon/drivers/vm-driver.ts'\n"],
    [
      'renderer-stands-alone',
      'src-renderer/planted.vue',
      '<script setup lang="ts">\nimport \'../host-daemon/drivers/vm-driver.ts\'\n</script>\n<template><p /></template>\n',
    ],
    ['renderer-has-no-node', 'src-renderer/planted.ts', "import 'node:fs'\n"],
    ['shared-has-no-node', 'src-shared/planted.ts', "import 'node:fs'\n"],
    ['shared-is-pure', 'src-shared/planted.ts', "import 'ws'\n"],
    ['daemon-stands-alone', 'host-daemon/planted.ts', "import '../src-main/planted-target.ts'\n"],
    ['main-stands-alone', 'src-main/planted.ts', "import '../host-daemon/drivers/vm-driver.ts'\n"],
    ['system-alone-touches-processes', 'host-daemon/server/planted.ts', "import 'node:child_process'\n"],
    ['system-alone-touches-files', 'host-daemon/restores/planted.ts', "import 'node:fs'\n"],
    ['system-alone-touches-files', 'host-daemon/images/planted.ts', "import 'node:fs/promises'\n"],
    ['system-alone-touches-files', 'host-daemon/backups/planted.ts', "import type {} from 'node:fs'\n"],
  ])('%s: a planted import in %s is found', async (rule, path, text) => {
    const uproot = await plant(path, text)
    const { code, output } = await cruise()
    await uproot()
    expect(output).toContain(`error ${rule}`)
    expect(code).not.toBe(0)
  })

  it('a feature that imports another is found', async () => {
    const uprootTarget = await plant('src-renderer/features/planted-one/one.ts', 'export const one = 1\n')
    const uproot = await plant('src-renderer/features/planted-two/two.ts', "import '../planted-one/one.ts'\n")
    const { code, output } = await cruise()
    await uproot()
    await uprootTarget()
    expect(output).toContain('error features-do-not-import-each-other')
    expect(code).not.toBe(0)
  })
})

describe('ambient time, randomness and processes', () => {
  // Without the rules that need types: they take long, and say nothing of these.
  const eslint = new ESLint({ cwd: ROOT, overrideConfig: tseslint.configs.disableTypeChecked })
  const brokenRules = async (path: string, text: string): Promise<(string | null)[]> => {
    const [result] = await eslint.lintText(text, { filePath: join(ROOT, path) })
    return result?.messages.map(({ ruleId }) => ruleId) ?? []
  }

  it.each([
    ['no-restricted-properties', 'export const planted = AbortSignal.timeout(5)\n'],
    ['no-restricted-properties', 'export const planted = Date.now()\n'],
    ['no-restricted-properties', 'export const planted = globalThis.performance\n'],
    ['no-restricted-properties', 'export const planted = process.hrtime()\n'],
    ['no-restricted-properties', 'export const planted = Math.random()\n'],
    ['no-restricted-globals', 'export const planted = setTimeout(() => undefined, 5)\n'],
    ['no-restricted-globals', 'export const planted = setInterval(() => undefined, 5)\n'],
    ['no-restricted-globals', 'export const planted = performance.now()\n'],
    ['no-restricted-syntax', 'export const planted = new Date()\n'],
    ['no-restricted-imports', "export { setTimeout as planted } from 'node:timers/promises'\n"],
    ['no-restricted-imports', "import { setTimeout as planted } from 'node:timers'\nplanted(() => undefined, 5)\n"],
    ['no-restricted-imports', "export { performance as planted } from 'node:perf_hooks'\n"],
    ['no-restricted-imports', "export { spawn as planted } from 'node:child_process'\n"],
  ])('%s: %s is found in the daemon, and allowed in its system/', async (rule, text) => {
    for (const folder of ['drivers/qemu', 'backups', 'drift', 'server'])
      expect(await brokenRules(`host-daemon/${folder}/planted.ts`, text)).toEqual([rule])
    expect(await brokenRules('host-daemon/system/planted.ts', text)).toEqual([])
  })

  it("a time that is given is nobody else's", async () => {
    const text = 'export const planted = (at: number): string => new Date(at).toISOString()\n'
    expect(await brokenRules('host-daemon/backups/planted.ts', text)).toEqual([])
  })
})

describe('the contract between the folders', () => {
  it('compiles as it is', async () => {
    expect(await compile('src-shared')).toEqual({ code: 0, output: '' })
  })

  it('a call with the wrong input fails the type check', async () => {
    const text = `import type { ContractRouterClient } from '@orpc/contract'
import type { CallContext } from '../src-shared/contract/client.ts'
import type { DaemonContract } from '../src-shared/contract/daemon.ts'
export async function planted(client: ContractRouterClient<DaemonContract, CallContext>, context: CallContext) {
  return client.environments.get({ environmentName: 'web' }, { context })
}
`
    const uproot = await plant('src-main/planted.ts', text)
    const { code, output } = await compile('src-main')
    await uproot()
    expect(output).toMatch(/src-main\/planted\.ts.*error TS/)
    expect(code).not.toBe(0)
  })

  it('a handler with the wrong output fails the type check', async () => {
    const text = `import { implement } from '@orpc/server'
import { daemonContract } from '../src-shared/contract/daemon.ts'
export const planted = implement(daemonContract).images.list.handler(() => [{ ref: 7 }])
`
    const uproot = await plant('host-daemon/planted.ts', text)
    const { code, output } = await compile('host-daemon')
    await uproot()
    expect(output).toMatch(/host-daemon\/planted\.ts.*error TS/)
    expect(code).not.toBe(0)
  })
})
