import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { inParallel } from './parallel.ts'
import { fromRoot, installedProgram, ROOT } from './paths.ts'
import { run } from './run.ts'

/** One product of the build, made anew when any byte of its inputs has changed. */
interface Product {
  readonly name: string
  readonly inputs: readonly string[]
  /** Files without which the product is not there, whatever the stamp says. */
  readonly outputs: readonly string[]
  /** The output that package.json names as a program; npx runs it as it lies there. */
  readonly program: string
  readonly argv: readonly string[]
}

const COMMON = ['src-shared/**/*.ts', 'package-lock.json', 'tsconfig.base.json']

function node(program: string, ...args: string[]): string[] {
  return [installedProgram('node'), installedProgram(program), ...args]
}

const PRODUCTS: readonly Product[] = [
  {
    name: 'window',
    inputs: [...COMMON, 'src-main/**/*', 'src-renderer/**/*', 'electron.vite.config.ts', 'vite.renderer.config.ts'],
    outputs: [
      'out/main/electron.js',
      'out/main/web.js',
      'out/main/cli.js',
      'out/preload/preload.cjs',
      'out/renderer/index.html',
    ],
    program: 'out/main/cli.js',
    argv: node('electron-vite', 'build'),
  },
  {
    name: 'daemon',
    inputs: [...COMMON, 'host-daemon/**/*.ts', 'vite.daemon.config.ts'],
    outputs: ['out/daemon/pilothoused.js'],
    program: 'out/daemon/pilothoused.js',
    argv: node('vite', 'build', '--config', 'vite.daemon.config.ts'),
  },
]

async function fingerprintOf(product: Product): Promise<string> {
  const paths: string[] = []
  for await (const file of glob([...product.inputs], { cwd: ROOT, withFileTypes: true })) {
    if (file.isFile()) paths.push(`${file.parentPath}/${file.name}`)
  }
  const hash = createHash('sha256').update(JSON.stringify(product.argv))
  for (const path of paths.sort()) hash.update(`\0${path}\0`).update(await readFile(path))
  return hash.digest('hex')
}

async function isCurrent(product: Product, stamp: string, fingerprint: string): Promise<boolean> {
  if (!product.outputs.every((output) => existsSync(fromRoot(output)))) return false
  const built = await readFile(stamp, 'utf8').catch(() => '')
  return built === fingerprint
}

async function build(product: Product, isForced: boolean): Promise<void> {
  const stamp = fromRoot('out', '.stamps', product.name)
  const fingerprint = await fingerprintOf(product)
  if (isForced || !(await isCurrent(product, stamp, fingerprint))) await make(product, stamp, fingerprint)
  await chmod(fromRoot(product.program), 0o755)
}

async function make(product: Product, stamp: string, fingerprint: string): Promise<void> {
  const startedAt = performance.now()
  await rm(stamp, { force: true })
  await run(product.argv, { cwd: ROOT, env: { ...process.env, FORCE_COLOR: '0', NODE_ENV: 'production' } })
  await mkdir(dirname(stamp), { recursive: true })
  await writeFile(stamp, fingerprint)
  console.error(`Built the ${product.name} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`)
}

/** Builds what is not up to date. Throws `CommandFailed` with the output of the build that failed. */
export async function buildAll(options: { isForced?: boolean } = {}): Promise<void> {
  await inParallel(
    PRODUCTS.map((product) => () => build(product, options.isForced ?? false)),
    2,
  )
}
