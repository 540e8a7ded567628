"""A campaign: errors planted in every claim that holds, and whether each of them is found.

`planting` does the work, in whichever process; `journal` keeps each result as soon as it is known; `run` sees a
campaign through, and through again where it was cut short; `report` says what came of it.
"""
