"""Outpost in pygame: draws what outpost.py knows, and takes keys. Needs pygame-ce and reprieve.

main.py                  the game: D plays an outage, R begins anew, Escape ends
main.py --record FILE    plays it without a window, and writes what the banner says
main.py --frames FOLDER  plays it without a window, and saves pictures
"""

import argparse
import math
import os
from pathlib import Path

import outpost

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 640, 360
# Drawn this many times as large, and scaled down: edges are smooth.
FINE = 2
SKY, SEA, WHITE = (0x0E, 0x1A, 0x2B), (0x14, 0x32, 0x4A), (255, 255, 255)
HULL, MAST, SAIL = (0xB5, 0x74, 0x3C), (0xD9, 0xD4, 0xC7), (0xE9, 0xE4, 0xD6)
LANTERN, CLOUD = (0xFF, 0xD1, 0x66), (0xC9, 0xD6, 0xDF)


class Canvas:
    """The picture, and the shapes on it."""

    def __init__(self, pygame) -> None:
        self.pygame = pygame
        self.large = pygame.Surface((WIDTH * FINE, HEIGHT * FINE))
        self.picture = pygame.Surface((WIDTH, HEIGHT))
        self.font = pygame.font.Font(None, 18 * FINE)

    def polygon(self, colour, alpha: float, points) -> None:
        points = [(x * FINE, y * FINE) for x, y in points]
        left, top = (math.floor(min(p[axis] for p in points)) for axis in (0, 1))
        size = [math.ceil(max(p[axis] for p in points)) - at + 1 for axis, at in ((0, left), (1, top))]
        shape = self.pygame.Surface(size, self.pygame.SRCALPHA)
        self.pygame.draw.polygon(shape, (*colour, round(255 * alpha)), [(x - left, y - top) for x, y in points])
        self.large.blit(shape, (left, top))

    def disc(self, colour, alpha: float, x: float, y: float, radius: int) -> None:
        radius *= FINE
        shape = self.pygame.Surface((2 * radius, 2 * radius), self.pygame.SRCALPHA)
        self.pygame.draw.circle(shape, (*colour, round(255 * alpha)), (radius, radius), radius)
        self.large.blit(shape, (round(x * FINE) - radius, round(y * FINE) - radius))

    def rectangle(self, colour, x: int, y: int, width: int, height: int) -> None:
        self.large.fill(colour, (x * FINE, y * FINE, width * FINE, height * FINE))

    def text(self, said: str, x: int, y: int, right: bool = False) -> None:
        drawn = self.font.render(said, True, WHITE)
        self.large.blit(drawn, (x * FINE - drawn.get_width() if right else x * FINE, y * FINE))

    def draw(self, game: outpost.Outpost) -> None:
        time, alpha = game.time, game.alpha
        self.rectangle(SKY, 0, 0, WIDTH, HEIGHT)
        self.rectangle(SEA, 0, 230, WIDTH, HEIGHT - 230)
        x, y = 320 + 180 * math.sin(0.4 * time), 226 + 3 * math.sin(1.7 * time)
        for colour, points in (
            (HULL, ((-40, 0), (40, 0), (26, 18), (-26, 18))),
            (MAST, ((-2, -46), (2, -46), (2, 0), (-2, 0))),
            (SAIL, ((4, -44), (4, -8), (30, -8))),
        ):
            self.polygon(colour, alpha["game"], [(x + px, y + py) for px, py in points])
        for i in range(7):
            self.disc(LANTERN, alpha["lanterns"], 56 + 88 * i, 300 + 4 * math.sin(time + i), 7)
        for i in range(3):
            cx, cy = (140 + 200 * i + 8 * time) % 720 - 40, 96 + 18 * i
            for dx, radius in ((-24, 16), (0, 22), (24, 16)):
                self.disc(CLOUD, alpha["weather"], cx + dx, cy, radius)
        self.rectangle(outpost.banner_colour(game.check("game")), 0, 0, WIDTH, 48)
        first, second = game.lines()
        self.text(first, 10, 9)
        self.text(second, 10, 28)
        self.text("D plays an outage   R begins anew", 10, HEIGHT - 22)
        self.text(game.clock(), WIDTH - 10, HEIGHT - 22, right=True)
        self.pygame.transform.smoothscale(self.large, (WIDTH, HEIGHT), self.picture)


def new_game(scenario: str) -> outpost.Outpost:
    return outpost.Outpost(scenario, (HERE.parent / "words.txt").read_text(encoding="utf-8"))


def save_frames(scenario: str, folder: Path) -> None:
    """Pictures of the start, of some days at noon, and of the end; each as if its fading were done."""
    import pygame

    pygame.font.init()
    folder.mkdir(parents=True, exist_ok=True)
    canvas, game = Canvas(pygame), new_game(scenario)
    names = {day * 86400 + 43200: "day-{}".format(day) for day in (1, 2, 4, 6)}

    def save(name: str) -> None:
        game.time = game.passed / outpost.SPEED
        game.alpha = {feature: game.wanted(feature) for feature in outpost.FEATURES}
        canvas.draw(game)
        pygame.image.save(canvas.picture, str(folder / (name + ".png")))

    save("start")
    while game.drill and game.advance():
        if game.elapsed in names:
            save(names[game.elapsed])
    save("end")
    game.close()


def play(scenario: str) -> None:
    import pygame

    pygame.init()
    screen = pygame.display.set_mode((WIDTH, HEIGHT), pygame.SCALED | pygame.RESIZABLE)
    pygame.display.set_caption("Outpost")
    canvas, clock, game = Canvas(pygame), pygame.time.Clock(), new_game(scenario)
    game.start()
    running = True
    while running:
        anew = playing = False
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                running = False
            elif event.type == pygame.KEYDOWN:
                running = running and event.key != pygame.K_ESCAPE
                playing = event.key == pygame.K_d
                anew = event.key == pygame.K_r or (playing and game.over())
        if anew:
            game.close()
            game = new_game(scenario)
            game.start()
        if playing:
            game.play()
        game.frame(clock.tick(60) / 1000)
        canvas.draw(game)
        screen.blit(canvas.picture, (0, 0))
        pygame.display.flip()
    game.close()
    pygame.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description="Outpost, in pygame.")
    parser.add_argument("--scenario", type=Path, default=HERE.parent / "outpost.json", help="another drill")
    parser.add_argument("--record", type=Path, metavar="FILE", help="play it without a window, and write what the banner says")
    parser.add_argument("--frames", type=Path, metavar="FOLDER", help="play it without a window, and save pictures")
    asked = parser.parse_args()
    scenario = asked.scenario.read_text(encoding="utf-8")
    if asked.record:
        game = new_game(scenario)
        outpost.record(game, os.fspath(asked.record))
        game.close()
    if asked.frames:
        save_frames(scenario, asked.frames)
    if not asked.record and not asked.frames:
        play(scenario)


if __name__ == "__main__":
    main()
