import './csp.ts'
import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import '@xterm/xterm/css/xterm.css'
import './styles/main.css'
import { createPilothouse } from './create-pilothouse.ts'
import { connectApp, openConsoleChannel } from './transport.ts'

createPilothouse({ connectApp, openConsoleChannel }).mount('#app')
