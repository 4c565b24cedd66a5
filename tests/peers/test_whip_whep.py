"""The npm package `whip-whep` in Chromium, on a page of another origin: both doors, all verbs."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.async_api import Page, Playwright, Response

from bridge.endpoint import cellcode
from tests.browser.chromium import chromium, open_context, picture_in, total
from tests.browser.people import eventually
from tests.peers.conference import Conference
from tests.peers.players import foreign_page
from tests.service import Service, running_service

pytestmark = pytest.mark.browser

CLIENT = Path(__file__).parents[2] / "web" / "node_modules" / "whip-whep"

PUBLISH = """
async ({ url, token, picture }) => {
  const { WHIPClient } = await import('/whip.js');
  const canvas = document.createElement('canvas');
  canvas.width = 320; canvas.height = 180;
  const image = await createImageBitmap(await (await fetch(picture)).blob());
  const context = canvas.getContext('2d');
  setInterval(() => context.drawImage(image, 0, 0), 66);
  const audio = new AudioContext(), tone = audio.createOscillator();
  const sink = audio.createMediaStreamDestination();
  tone.connect(sink);
  tone.start();
  const peer = window.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const stream of [sink.stream, canvas.captureStream(15)])
    for (const track of stream.getTracks())
      peer.addTransceiver(track, { direction: 'sendonly' });
  window.client = new WHIPClient();
  await client.publish(peer, url, token);
}
"""
VIEW = """
async ({ url, token }) => {
  const { WHEPClient } = await import('/whep.js');
  const peer = window.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = new MediaStream();
  peer.ontrack = ({ track }) => stream.addTrack(track);
  document.querySelector('video').srcObject = stream;
  for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
  window.client = new WHEPClient();
  await client.view(peer, url, token);
}
"""
RESTART = """
async () => {
  await client.restart();
  return client.iceUsername;
}
"""
UFRAG_IN_USE = """
async () => {
  const reports = [...(await peer.getStats()).values()];
  const transport = reports.find(({ type }) => type === 'transport');
  const found = reports.find(({ id }) => id === transport.selectedCandidatePairId);
  return found?.state === 'succeeded' ? transport.iceLocalUsernameFragment : null;
}
"""


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """With one candidate: after an ICE restart the client writes several into one line."""
    environ = {"DIEMCAU_BRIDGE__MEDIA_TCP_PORT": "0"}
    async with running_service(tmp_path / "data", environ=environ) as service:
        yield service


def picture_of(site: str) -> str:
    """The site's picture as a URL."""
    out = io.BytesIO()
    Image.fromarray(cellcode.picture(site, site, 1)).save(out, "png")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


class Requests:
    """What a page asked of the doors, and was answered: ``PATCH 204`` and so on."""

    def __init__(self, page: Page) -> None:
        self.answers: list[str] = []
        page.on("response", self._answered)

    def _answered(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if path.startswith(("/whip", "/whep")) and not path.endswith(".js"):
            self.answers.append(f"{response.request.method} {response.status}")

    async def until(self, *any_of: str) -> None:
        async def told() -> list[str]:
            return self.answers

        await eventually(told, lambda answers: not set(any_of).isdisjoint(answers))


async def restarted(page: Page, requests: Requests) -> None:
    """Restart ICE; the page's media go over the new generation."""
    ufrag = await page.evaluate(RESTART)
    await requests.until("PATCH 200")
    await eventually(lambda: page.evaluate(UFRAG_IN_USE), lambda used: used == ufrag)


async def test_whip_and_whep_of_the_npm_client(playwright: Playwright, service: Service):
    async with Conference(service, "VP8") as conference, chromium(playwright) as browser:
        room, viewer = await conference.devices("48"), await conference.devices("02")
        context = await open_context(browser)
        async with (
            foreign_page(context, whip=CLIENT / "whip.js") as publishing,
            foreign_page(context, whep=CLIENT / "whep.js") as viewing,
        ):
            asked, watched = Requests(publishing), Requests(viewing)
            await publishing.evaluate(
                PUBLISH,
                {"url": room.whip, "token": room.publish_token, "picture": picture_of("48")},
            )
            await conference.take("48")
            await viewing.evaluate(VIEW, {"url": viewer.whep, "token": viewer.play_token})
            await eventually(lambda: picture_in(viewing, "video"), lambda label: label == "48")
            for requests in (asked, watched):
                await requests.until("PATCH 204")

            await restarted(publishing, asked)
            await restarted(viewing, watched)
            decoded = await total(viewing, "inbound-rtp", "video", "framesDecoded")
            await eventually(
                lambda: total(viewing, "inbound-rtp", "video", "framesDecoded"),
                lambda now: now >= decoded + 20,
            )

            assert {*asked.answers, *watched.answers} <= {"POST 201", "PATCH 204", "PATCH 200"}

            for page, requests in ((viewing, watched), (publishing, asked)):
                # it says goodbye by DTLS first: then the session may be gone already
                await page.evaluate("client.stop()")
                await requests.until("DELETE 200", "DELETE 404")
            refused = await publishing.evaluate(
                "async (token) => (await fetch(client.resourceURL, { method: 'DELETE',"
                " headers: { Authorization: `Bearer ${token}` } })).status",
                room.publish_token,
            )
            assert refused == 404
