import { contextBridge, ipcRenderer } from 'electron'

/** Hands one end of a channel to main and the other to the page; what comes over it is checked in main. */
function open(kind: 'rpc' | 'console', channelId: string, query: string): void {
  const { port1, port2 } = new MessageChannel()
  ipcRenderer.postMessage('pilothouse:open', { kind, query }, [port1])
  window.postMessage({ pilothouseChannel: channelId }, window.location.origin, [port2])
}

contextBridge.exposeInMainWorld('pilothouse', {
  openRpc: (channelId: string) => open('rpc', channelId, ''),
  openConsole: (channelId: string, query: string) => open('console', channelId, query),
})
