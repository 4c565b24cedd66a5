import { expect, test } from 'vitest'
import { FakeSender, settle } from '../../../test/peer'
import { Encoder } from './encoder'
import { encodingsFor, RIDS } from './layers'

const HD = { width: 1280, height: 720 }

function sender(): FakeSender {
  return new FakeSender(null, encodingsFor(RIDS, HD, null))
}

test('layers that nobody watches rest, and come back', async () => {
  const camera = sender()
  const encoder = new Encoder(camera, 'maintain-framerate')
  encoder.want({ size: HD, layers: ['q'] })
  await settle()
  expect(camera.sends).toEqual(['q'])
  encoder.want({ size: HD, layers: ['q', 'f'] })
  await settle()
  expect(camera.sends).toEqual(['q', 'f'])
  expect(camera.degradationPreference).toBe('maintain-framerate')
})

test('of wishes that come too fast the last one holds', async () => {
  const camera = sender()
  const encoder = new Encoder(camera, 'balanced')
  for (const layers of [['q'], ['q', 'h'], ['q', 'f'], ['q', 'h']]) {
    encoder.want({ size: HD, layers })
  }
  await settle()
  expect(camera.sends).toEqual(['q', 'h'])
  expect(camera.changes).toBe(2)
})

test('what is so already is not set again', async () => {
  const camera = sender()
  const encoder = new Encoder(camera, 'balanced')
  encoder.want({ size: HD, layers: ['q'] })
  await settle()
  encoder.want({ size: HD, layers: ['q', 'x'] })
  await settle()
  expect(camera.changes).toBe(1)
})

test('a change that somebody else made in between is survived', async () => {
  const camera = sender()
  const { setParameters } = camera
  let disturbed = false
  const encodable = {
    getParameters: camera.getParameters,
    setParameters: (parameters: RTCRtpSendParameters) => {
      if (!disturbed) camera.getParameters()
      disturbed = true
      return setParameters(parameters)
    },
  }
  new Encoder(encodable, 'balanced').want({ size: HD, layers: ['q'] })
  await settle()
  expect(camera.sends).toEqual(['q'])
})

test('a sender that refuses everything is left alone, until the next wish', async () => {
  const camera = sender()
  let refused = 0
  let refuses = true
  const encodable = {
    getParameters: camera.getParameters,
    setParameters: (parameters: RTCRtpSendParameters) => {
      if (!refuses) return camera.setParameters(parameters)
      refused += 1
      return Promise.reject(new DOMException('closed', 'InvalidStateError'))
    },
  }
  const encoder = new Encoder(encodable, 'balanced')
  encoder.want({ size: HD, layers: ['q'] })
  await settle()
  expect(refused).toBe(3)
  refuses = false
  encoder.want({ size: HD, layers: ['q'] })
  await settle()
  expect(camera.sends).toEqual(['q'])
})
