import ui from 'virtual:nuxt-ui'
import { createPinia } from 'pinia'
import { createApp, type App as VueApp } from 'vue'
import App from './App.vue'
import { API, Api, type Transport } from './api.ts'
import { createAppRouter } from './router.ts'
import { useAppInfoStore } from './stores/app-info.ts'
import { useClockStore } from './stores/clock.ts'
import { useFleetStore } from './stores/fleet.ts'
import { useSettingsStore } from './stores/settings.ts'

/** The whole renderer on a transport, not yet mounted. Unmounting it ends its connection and its clock. */
export function createPilothouse(transport: Transport): VueApp {
  const api = new Api(transport)
  const app = createApp(App)
  app.provide(API, api)
  app.use(createPinia()).use(createAppRouter()).use(ui)
  useSettingsStore()
  const clock = useClockStore()
  const fleet = useFleetStore()
  const info = useAppInfoStore()
  clock.start()
  void api.run((client) => {
    void fleet.follow(client)
    void info.load()
  })
  app.onUnmount(() => {
    clock.stop()
    api.dispose()
  })
  return app
}
