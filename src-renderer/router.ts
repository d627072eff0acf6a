import { createRouter, createWebHashHistory, type Router } from 'vue-router'
import ActivityScreen from './features/activity/ActivityScreen.vue'
import ConsolesScreen from './features/consoles/ConsolesScreen.vue'
import EnvironmentScreen from './features/environment/EnvironmentScreen.vue'
import EnvironmentsScreen from './features/environments/EnvironmentsScreen.vue'
import HostsScreen from './features/fleet/HostsScreen.vue'
import LeftoversScreen from './features/leftovers/LeftoversScreen.vue'
import OperationsScreen from './features/operations/OperationsScreen.vue'
import OwnersScreen from './features/owners/OwnersScreen.vue'
import RecoveryScreen from './features/recovery/RecoveryScreen.vue'
import SettingsScreen from './features/settings/SettingsScreen.vue'

/** One route a screen. An environment's `ref` is its id, or the command that is making it. */
export function createAppRouter(): Router {
  return createRouter({
    history: createWebHashHistory(),
    routes: [
      { path: '/environments', name: 'environments', component: EnvironmentsScreen, meta: { title: 'Environments' } },
      { path: '/environments/:hostId/:ref', name: 'environment', component: EnvironmentScreen },
      { path: '/consoles', name: 'consoles', component: ConsolesScreen, meta: { title: 'Consoles' } },
      { path: '/recovery', name: 'recovery', component: RecoveryScreen, meta: { title: 'Recovery' } },
      { path: '/operations', name: 'operations', component: OperationsScreen, meta: { title: 'Operations' } },
      { path: '/activity', name: 'activity', component: ActivityScreen, meta: { title: 'Activity' } },
      { path: '/owners', name: 'owners', component: OwnersScreen, meta: { title: 'Owners' } },
      { path: '/leftovers', name: 'leftovers', component: LeftoversScreen, meta: { title: 'Leftovers' } },
      { path: '/hosts', name: 'hosts', component: HostsScreen, meta: { title: 'Hosts' } },
      { path: '/settings', name: 'settings', component: SettingsScreen, meta: { title: 'Settings' } },
      { path: '/:anything(.*)*', redirect: '/environments' },
    ],
  })
}
