"""What Outpost knows and does not draw: the drill, what each feature may show, and the sentences. Copy what you can use.

A frame asks and never waits: steps of the drill and upkeep are done by a thread. Nothing here knows of pygame.
"""

import json
import sys
import threading
from typing import Dict, NamedTuple, Optional, Tuple

try:
    import reprieve
except ImportError as error:
    # A broken installation is no refusal: the game goes on, and says what it could not find out.
    print("outpost: licences cannot be checked: {}".format(error), file=sys.stderr)
    reprieve = None  # type: ignore[assignment]

SKU = "outpost"
FEATURES = ("game", "lanterns", "weather")
OPAQUE = {"full": 1.0, "limited": 0.4, "denied": 0.06, "unknown": 0.7}
FADE = 2.0  # of alpha, in a second
SPEED = 12.0  # steps that let time pass, in a second


class Unchecked(NamedTuple):
    """The answer if there is nobody to ask."""

    access: str = "unknown"
    state: Optional[str] = None
    reason: Optional[str] = None
    t_ns: int = 0
    ends_ns: Optional[int] = None


# Words. -----------------------------------------------------------------------------------------------------------------


def words_of(text: str) -> Dict[str, str]:
    """The lines of words.txt, by their keys."""
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)  # type: ignore[misc]


def runway(seconds: int) -> str:
    """How long that is, for a customer: the two largest units."""
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return "{} d {} h".format(days, hours)
    if hours:
        return "{} h {} min".format(hours, minutes)
    return "{} min".format(minutes) if minutes else "{} s".format(seconds)


def sentence(words: Dict[str, str], decision, prefix: str = "") -> str:
    """What a customer reads about a decision."""
    access, state, reason = (str(value) for value in (decision.access, decision.state, decision.reason))
    keys = [state + "." + reason + "." + access, state + "." + reason, state + "." + access, state]
    if access == "unknown":
        keys = ["unknown"]
    said = next((words[prefix + key] for key in keys if prefix + key in words), access)
    left = "some time" if decision.ends_ns is None else runway((decision.ends_ns - decision.t_ns) // 10**9)
    return said.replace("{left}", left)


def banner_colour(decision) -> Tuple[int, int, int]:
    if decision.access == "unknown":
        return (0x5B, 0x4A, 0x7A)
    if decision.access == "denied":
        return (0x8A, 0x2F, 0x2F)
    if decision.access == "full" and decision.state == "licensed":
        return (0x1F, 0x6F, 0x4A)
    return (0x8A, 0x6D, 0x1F)


# The game. --------------------------------------------------------------------------------------------------------------


class Outpost:
    """The drill, and what a frame shows of it. With licences of your own, `reprieve.open` makes the client, and the steps go."""

    def __init__(self, scenario: str, words: str) -> None:
        self.words = words_of(words)
        self.time = 0.0
        self.timed = ["advance" in step for step in json.loads(scenario)["steps"]]
        self.done = self.passed = 0  # steps, and those of them that let time pass
        self.settled = 0  # steps whose upkeep is done too
        self.playing = False
        self.due = 0.0
        self.drill = self.client = None
        self.features = {}
        self.elapsed = 0  # of the drill's time, seconds
        self.alpha = dict.fromkeys(FEATURES, OPAQUE["unknown"])
        self._lock = threading.Condition()
        self._stop = False
        self._keeper: Optional[threading.Thread] = None
        if reprieve is None:
            return
        try:
            self.drill = reprieve.Drill(scenario)
            self.client = self.drill.new_client(upkeep="own")
            self.features = {name: self.client.feature(SKU, name) for name in FEATURES}
            self.began = self.drill.now_ns
            self.settle()
        except reprieve.Error as error:
            print("outpost: licences cannot be checked: {}".format(error), file=sys.stderr)
        self.alpha = {name: self.wanted(name) for name in FEATURES}

    # What a frame asks.

    def check(self, name: str):
        feature = self.features.get(name)
        return feature.check() if feature else Unchecked()

    def wanted(self, name: str) -> float:
        return OPAQUE[self.check(name).access]

    def lines(self) -> Tuple[str, str]:
        """The banner's two lines."""
        parts = ("{}: {}".format(name, sentence(self.words, self.check(name), "feature.")) for name in FEATURES[1:])
        return sentence(self.words, self.check("game")), "   ".join(parts)

    def clock(self) -> str:
        """The drill's time since it began."""
        return "day {} {:02}:{:02}".format(self.elapsed // 86400, self.elapsed // 3600 % 24, self.elapsed // 60 % 60)

    def frame(self, seconds: float) -> None:
        """So much real time has passed."""
        self.time += seconds
        for name in FEATURES:
            change = self.wanted(name) - self.alpha[name]
            self.alpha[name] += max(-FADE * seconds, min(FADE * seconds, change))
        if self.playing and self._keeper:
            self.due += SPEED * seconds
            if self.due >= 1.0:
                with self._lock:
                    self._lock.notify()

    # What takes time: a step, a document, upkeep. Not for the frame's thread.

    def step(self) -> None:
        """The next step: the world's part of it, and the product's."""
        task = self.drill.step(self.done)
        if task.kind == "import":
            self.client.import_document(task.token)
        elif task.kind == "report":
            self.client.report(task.outage)
        self.passed += self.timed[self.done]
        self.done += 1

    def settle(self) -> None:
        """All steps that let no time pass, up to the next one that does; then upkeep, and the game has its time."""
        while self.done < len(self.timed) and not self.timed[self.done]:
            self.step()
        self.client.upkeep()
        self.elapsed = (self.drill.now_ns - self.began) // 10**9
        # Last: a frame that sees the end sees the end's time and answers too.
        self.settled = self.done

    def advance(self) -> bool:
        """The next step that lets time pass, and what follows at once. False at the end."""
        if self.over():
            return False
        # None is left where only the last one's upkeep failed.
        if self.done < len(self.timed):
            self.step()
        self.settle()
        return not self.over()

    def start(self) -> None:
        """Upkeep, once a second, and the steps of the drill, when they are due, on a thread of their own."""
        if self.client and not self._keeper:
            self._keeper = threading.Thread(target=self._keep, name="upkeep", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        while True:
            with self._lock:
                if not self._stop:
                    self._lock.wait(1.0)
                if self._stop:
                    return
            try:
                while self.playing and self.due >= 1.0 and not self._stop:
                    self.due -= 1.0
                    self.playing = self.advance()
                self.client.upkeep()
            except reprieve.Error as error:
                print("outpost: {}".format(error), file=sys.stderr)  # busy, or the disk is full: the next round

    def play(self) -> None:
        """Lets the drill go on."""
        self.due, self.playing = 0.0, not self.over()

    def over(self) -> bool:
        return self.drill is None or self.settled >= len(self.timed)

    def close(self) -> None:
        with self._lock:
            self._stop = True
            self._lock.notify()
        if self._keeper:
            self._keeper.join()
        if self.client:
            self.client.close()
        if self.drill:
            self.drill.close()


def record(game: Outpost, path: str) -> None:
    """Plays the drill without waiting, and writes the banner whenever it changes."""
    last = None
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        more = True
        while more:
            if game.lines() != last:
                last = game.lines()
                file.write("\t".join((game.clock(), *last)) + "\n")
            more = not game.over()
            if more:
                game.advance()
