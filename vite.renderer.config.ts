import { fileURLToPath } from 'node:url'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin, type PluginOption } from 'vite'

const repository = fileURLToPath(new URL('.', import.meta.url))

/** Nuxt UI makes its Vue plugin up while building: no such file exists, and our name for it says so. */
const virtualUi = (): Plugin => ({
  name: 'pilothouse:virtual-ui',
  resolveId(id) {
    return id === 'virtual:nuxt-ui' ? this.resolve('@nuxt/ui/vue-plugin') : undefined
  },
})

/** What compiles the renderer, in its build and in the browser tests alike. */
export const rendererPlugins = (): PluginOption[] => [
  vue(),
  virtualUi(),
  ui({
    root: repository,
    // Components and composables are imported by name where they are used.
    components: false,
    autoImport: false,
    // The class on <html> is ours: stores/settings.ts.
    colorMode: false,
    icon: {
      clientBundle: { scan: { globInclude: ['src-renderer/**/*.{vue,ts}'], globExclude: ['node_modules'] } },
    },
    ui: {
      colors: { primary: 'cyan', neutral: 'slate', success: 'emerald', info: 'blue', warning: 'amber', error: 'red' },
    },
  }),
]

/**
 * The renderer's own build; Electron's build, the web shell and the browser tests all import it.
 * Nothing is inlined as a data address or an inline script, so that the strict content policy holds.
 */
export default defineConfig({
  root: fileURLToPath(new URL('src-renderer', import.meta.url)),
  base: './',
  plugins: rendererPlugins(),
  build: {
    outDir: fileURLToPath(new URL('out/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'chrome130',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
})
