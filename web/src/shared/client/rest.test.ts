import { expect, test } from 'vitest'
import { Refusal } from './problem'
import { Rest, seatPath, socketUrl } from './rest'

function answering(response: Response, seen: [string, RequestInit | undefined][] = []): Rest {
  return new Rest((url, init) => {
    seen.push([url, init])
    return Promise.resolve(response)
  })
}

async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Refusal)
  return error as Refusal
}

test('a link is exchanged by a POST under the seat’s own path', async () => {
  const seen: [string, RequestInit | undefined][] = []
  const seated = { conference: 'c1', title: 'T', site: '48', name: 'N', banner: 'B' }
  const rest = answering(Response.json(seated), seen)

  expect(await rest.exchange('c1', '48', { token: 'jwt' })).toEqual(seated)

  expect(seen[0]?.[0]).toBe('/c/c1/s/48/exchange')
  expect(seen[0]?.[1]).toMatchObject({ method: 'POST', body: '{"token":"jwt"}' })
})

test('a problem becomes a refusal with its code', async () => {
  const problem = { code: 'link_expired', detail: 'x', params: {} }
  const rest = answering(Response.json(problem, { status: 401 }))
  expect((await refusalOf(rest.me())).code).toBe('link_expired')
})

test('a code of a newer server reads as internal', async () => {
  const rest = answering(Response.json({ code: 'brand_new' }, { status: 418 }))
  expect((await refusalOf(rest.me())).code).toBe('internal')
})

test('an error page of a proxy reads as internal, a limit as rate_limited', async () => {
  const broken = answering(new Response('<html>', { status: 502 }))
  expect((await refusalOf(broken.me())).code).toBe('internal')
  const limited = answering(new Response('slow down', { status: 429 }))
  expect((await refusalOf(limited.me())).code).toBe('rate_limited')
})

test('no answer at all reads as unreachable', async () => {
  const rest = new Rest(() => Promise.reject(new TypeError('failed to fetch')))
  expect((await refusalOf(rest.conferences())).code).toBe('unreachable')
})

test('signing out has no body to read', async () => {
  await expect(answering(new Response(null, { status: 204 })).signOut()).resolves.toBeUndefined()
})

test('sockets follow the page’s scheme', () => {
  expect(socketUrl({ protocol: 'https:', host: 'h.vn' }, '/s')).toBe('wss://h.vn/s')
  expect(socketUrl({ protocol: 'http:', host: 'h:1' }, seatPath('c', '4/8'))).toBe(
    'ws://h:1/c/c/s/4%2F8/',
  )
})
