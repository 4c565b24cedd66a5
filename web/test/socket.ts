/** A WebSocket whose other end is the test. */

import type { SocketLike } from '../src/shared/client/socket'
import type { PageMessage, ServerMessage } from '../src/shared/wire/types.gen'

export class FakeSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  readonly sent: PageMessage[] = []
  closed = false

  constructor(readonly url: string) {}

  send(data: string): void {
    this.sent.push(JSON.parse(data) as PageMessage)
  }

  close(): void {
    this.closed = true
  }

  accept(): void {
    this.onopen?.call(this as unknown as WebSocket, new Event('open'))
  }

  receive(message: ServerMessage): void {
    const event = new MessageEvent('message', { data: JSON.stringify(message) })
    this.onmessage?.call(this as unknown as WebSocket, event)
  }

  /** The server, or the network, ends it. */
  end(code = 1006, reason = ''): void {
    const event = Object.assign(new Event('close'), { code, reason, wasClean: code !== 1006 })
    this.onclose?.call(this as unknown as WebSocket, event as CloseEvent)
  }

  /** The messages of one type that the page has sent on this socket. */
  sentOf<T extends PageMessage['type']>(type: T): Extract<PageMessage, { type: T }>[] {
    return this.sent.filter(
      (message): message is Extract<PageMessage, { type: T }> => message.type === type,
    )
  }
}

/** Opens fake sockets and keeps them, the newest last. */
export class FakeServer {
  readonly sockets: FakeSocket[] = []

  readonly open = (url: string): FakeSocket => {
    const socket = new FakeSocket(url)
    this.sockets.push(socket)
    return socket
  }

  get last(): FakeSocket {
    const socket = this.sockets.at(-1)
    if (socket === undefined) throw new Error('no socket was opened')
    return socket
  }
}
