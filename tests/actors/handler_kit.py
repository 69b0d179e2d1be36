"""Messages for handlers to take, and an actor that takes one of them."""

from dramaturg.actors import Actor, Message, Request, handler


class Ping(Message):
    pass


class Pong(Message):
    number: int = 0


class Get(Request[Pong]):
    pass


class Count(Request[int]):
    pass


class Echo(Actor):
    @handler
    def ping(self, message: Ping) -> str:
        return "ping"
