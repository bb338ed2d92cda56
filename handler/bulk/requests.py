"""A row of a file as a request: checked as the native door checks an input. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ..contract import Contract
from ..doors.native import open_value
from ..errors import RequestError
from ..inputs import InputObject, to_text_input
from ..parameters import Parameters
from ..payload import Rejected, Request
from ..wire import convert


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRequests:
    """The parameters that hold for all rows, and what a row is."""

    contract: Contract
    parameters: Parameters

    @classmethod
    def open(cls, contract: Contract, parameters: Mapping[str, object]) -> Self:
        """Check parameters as the native door does; RequestError names what is wrong with them."""
        example = {key: ["a"] if key == "texts" else "a" for key in contract.keys}
        item = open_value({"inputs": example, "parameters": dict(parameters)}, contract).item
        if isinstance(item, Rejected):
            raise item.error
        assert isinstance(item, Request)
        return cls(contract=contract, parameters=item.parameters)

    def read(self, value: object) -> Request | RequestError:
        """Make a request of a row: a string, or an object with the keys that the task takes."""
        hints = {"": self.contract.describe_input()}
        try:
            found: str | InputObject
            if isinstance(value, str) and self.contract.takes_string:
                found = value
            else:
                found = convert(value, self.contract.input_object, hints)
            return Request(inputs=(to_text_input(found, ""),), parameters=self.parameters, param="")
        except RequestError as error:
            error.message = error.message.replace("the body", "the row", 1)
            return error
