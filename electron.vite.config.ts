import './scripts/lib/require-node.ts'
import { existsSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'electron-vite'
import renderer from './vite.renderer.config.ts'

/** Packages with a native part, and the runtime; they stay beside the bundle in node_modules. */
const EXTERNAL = ['electron', 'better-sqlite3', 'ssh2', 'cpu-features', 'koffi']

function fromHere(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** One entry a shell. */
const shells = {
  electron: fromHere('src-main/shell/electron/index.ts'),
  web: fromHere('src-main/shell/web/index.ts'),
  cli: fromHere('src-main/shell/cli/main.ts'),
}

/**
 * Main for the oldest runtime it must run on (Node 20.18 inside Electron 33), the preload as one CommonJS file for
 * the sandbox, and the renderer by its own configuration.
 */
export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      emptyOutDir: true,
      target: 'node20.18',
      externalizeDeps: false,
      sourcemap: true,
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(shells).filter(([, path]) => existsSync(path))),
        external: [...EXTERNAL, /^node:/, ...builtinModules],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
          banner: ({ name }) => (name === 'cli' ? '#!/usr/bin/env node' : ''),
        },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      emptyOutDir: true,
      target: 'node20.18',
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: fromHere('src-main/shell/electron/preload.ts') },
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    ...renderer,
    build: { ...renderer.build, rolldownOptions: { input: fromHere('src-renderer/index.html') } },
  },
})
