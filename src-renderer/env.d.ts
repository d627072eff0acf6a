/** For tools that do not compile single-file components; vue-tsc sees the components' own types. */
declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent
  // eslint-disable-next-line no-restricted-exports -- a single-file component has no other export
  export default component
}

/** Nuxt UI as a Vue plugin; made up by the build (vite.renderer.config.ts). */
declare module 'virtual:nuxt-ui' {
  import type { Plugin } from 'vue'

  const plugin: Plugin
  // eslint-disable-next-line no-restricted-exports -- as its maker has it
  export default plugin
}
