"""The way to a token: one thread makes all calls of a PKCS#11 module, a patience that ends, and a way back when it was gone.

Messages are sealed on the event loop, so a token that hangs may hold up everybody for ``ANSWER_S`` and is then left alone.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from time import monotonic
from types import ModuleType
from typing import Any, TypeVar

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret

ANSWER_S = 0.5
"""A token that has not answered by then counts as down."""
REST_S = 10.0
"""So long it is not called again; nor before the call that hangs has come back."""
LOAD_S = 20.0
"""A login while keys are read: nobody waits for it on the event loop."""
_Told = TypeVar("_Told")
_OUR_MISTAKE = (
    "MechanismInvalid",
    "MechanismParamInvalid",
    "FunctionNotSupported",
    "KeySizeRange",
    "KeyTypeInconsistent",
    "DataInvalid",
    "DataLenRange",
)
"""What a fresh login would not mend."""
_PIN = ("PinIncorrect", "PinInvalid", "PinLenRange", "PinExpired", "PinLocked")
"""Never tried again by itself: tokens lock themselves after some wrong PINs."""


class Device:
    """One module and the thread that makes its calls, in turn: the module is told that no other thread will."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._late: Future[Any] | None = None
        self._rests_until = 0.0
        self.begun = 0
        """How often the module was begun anew: handles of before may by now be another key's."""
        # A daemon, so that a token that hangs holds up no stop.
        threading.Thread(target=self._run, name="key-slot", daemon=True).start()

    def _run(self) -> None:
        while True:
            done, call = self._calls.get()
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(call())
                except BaseException as wrong:
                    done.set_exception(wrong)

    def ask(self, call: Callable[[], _Told], patience_s: float) -> _Told:
        """What ``call`` returns or raises. Raises ``TimeoutError`` when there is no answer, at once while it is left alone."""
        if monotonic() < self._rests_until or (self._late is not None and not self._late.done()):
            raise TimeoutError
        done: Future[_Told] = Future()
        self._calls.put((done, call))
        try:
            return done.result(patience_s)
        except TimeoutError:
            if not done.done() and not done.cancel():
                self._late, self._rests_until = done, monotonic() + REST_S
            raise


_devices: dict[str, Device] = {}


def device_of(module: str) -> Device:
    if module not in _devices:
        _devices[module] = Device()
    return _devices[module]


class SlotKey:
    """One private key of a token and the login that reaches it; a login that no longer holds is made anew."""

    def __init__(
        self, name: str, binding: ModuleType, module: str, token: str, label: str, pin: Secret[str], device: Device
    ) -> None:
        self.name, self.binding = name, binding
        self._module, self._token, self._label, self._pin = module, token, label, pin
        self._device = device
        self._handle: Any = None
        self._begun = 0
        self._pin_refused = False

    def use(self, call: Callable[[Any], _Told], patience_s: float = ANSWER_S) -> _Told:
        """``call`` with the key's handle. Raises ``ConfigRefused`` for what the token says no to, or does not say."""
        said = self.binding.exceptions
        try:
            return self._device.ask(lambda: self._called(call), patience_s)
        except TimeoutError:
            raise self.refuse("does not answer") from None
        except said.NoSuchKey:
            raise self.refuse("holds no such key pair") from None
        except said.PKCS11Error as wrong:
            raise self.refuse("can't do this" if self._ours(wrong) else "can't be opened") from None

    def public_half(self) -> Any:
        """The public key object of the same label, for the device's thread: inside ``use`` only."""
        return self._session.get_key(object_class=self.binding.ObjectClass.PUBLIC_KEY, label=self._label)

    def _called(self, call: Callable[[Any], _Told]) -> _Told:
        if self._handle is not None and self._begun == self._device.begun:
            try:
                return call(self._handle)
            except self.binding.exceptions.PKCS11Error as wrong:
                if self._ours(wrong):
                    raise
        self._handle = None
        self._handle = self._reached()
        return call(self._handle)

    def forget(self) -> None:
        """The next use logs in anew."""
        self._handle = None

    def _reached(self) -> Any:
        said = self.binding.exceptions
        if self._pin_refused:
            raise said.PinIncorrect
        library = self.binding.lib(self._module)
        try:
            return self._log_in(library)
        except said.NoSuchKey:
            raise
        except said.PKCS11Error as wrong:
            if type(wrong).__name__ in _PIN:
                self._pin_refused = True
                raise
            self._device.begun += 1
            library.reinitialize()  # a module whose token was gone may say no until it is begun anew
            return self._log_in(library)

    def _log_in(self, library: Any) -> Any:
        token, self._begun = library.get_token(token_label=self._token), self._device.begun
        try:
            self._session = token.open(user_pin=self._pin.expose())
        except self.binding.exceptions.UserAlreadyLoggedIn:
            self._session = token.open()  # a login counts for the whole process: another key of this token was first
        return self._session.get_key(object_class=self.binding.ObjectClass.PRIVATE_KEY, label=self._label)

    def _ours(self, wrong: Exception) -> bool:
        return type(wrong).__name__ in _OUR_MISTAKE

    def refuse(self, what: str) -> ConfigRefused:
        return ConfigRefused(
            f"{self.name}: the slot {what}",
            code="key-slot",
            hint="check module-path, the token's label, the PIN that pin-source names, and which keys and mechanisms "
            "the token has (pkcs11-tool --list-objects --list-mechanisms)",
        )
