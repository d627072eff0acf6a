import type { Page } from 'playwright'

interface DriverInternals {
  readonly _connection: {
    toImpl(page: Page): {
      delegate: { _mainFrameSession: { _client: { send(method: 'Network.disable'): Promise<void> } } }
    }
  }
}

/**
 * The driver has every page report every WebSocket frame to it, its bytes in base64: with a console at full speed
 * that costs the page a third of its time. Nobody drives a user's window; this one is left alone, too. There is no
 * public switch; it throws where the driver's inside has changed.
 */
export async function stopWatchingNetwork(page: Page): Promise<void> {
  const { delegate } = (page as unknown as DriverInternals)._connection.toImpl(page)
  await delegate._mainFrameSession._client.send('Network.disable')
}
