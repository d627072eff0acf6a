import './scripts/lib/require-node.ts'
import { builtinModules } from 'node:module'
import { defineConfig } from 'vite'

/** Packages with a native part; they stay beside the bundle in node_modules. */
const NATIVE = ['better-sqlite3', 'koffi']

/** The daemon as one file, out/daemon/pilothoused.js, for Node ≥ 22. */
export default defineConfig({
  publicDir: false,
  ssr: { noExternal: true, external: NATIVE },
  build: {
    ssr: 'host-daemon/index.ts',
    outDir: 'out/daemon',
    emptyOutDir: true,
    target: 'node22',
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      external: [...NATIVE, /^node:/, ...builtinModules],
      output: { format: 'esm', entryFileNames: 'pilothoused.js', banner: '#!/usr/bin/env node' },
    },
  },
})
