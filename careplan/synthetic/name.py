"""Names for invented people: common Danish ones, and some of families that came from elsewhere.

The lists are short and written for this project; `Test` is always the second given name.
"""

from random import Random

from careplan.synthetic.cpr import Sex

# fmt: off
OLDER: dict[Sex, tuple[str, ...]] = {
    "female": (
        "Kirsten", "Inger", "Birgit", "Lis", "Karen", "Bente", "Jytte", "Grethe", "Else", "Ruth", "Ulla", "Tove",
        "Ellen", "Lone", "Vibeke", "Gerda", "Aase", "Bodil", "Edith", "Gudrun", "Ingrid", "Margit", "Rigmor", "Sonja",
        "Yrsa",
    ),
    "male": (
        "Jørgen", "Poul", "Knud", "Bent", "Svend", "Erling", "Kaj", "Ole", "Niels", "Børge", "Egon", "Viggo",
        "Holger", "Aage", "Leif", "Verner", "Ejner", "Preben", "Frode", "Arne", "Gert", "Helge", "Mogens", "Orla",
        "Tage",
    ),
}
YOUNGER: dict[Sex, tuple[str, ...]] = {
    "female": (
        "Mette", "Louise", "Camilla", "Charlotte", "Pia", "Tina", "Heidi", "Maria", "Signe", "Trine", "Gitte", "Line",
        "Rikke", "Sofie", "Ida", "Julie", "Malene", "Dorthe", "Anja", "Susanne", "Karina", "Helle", "Maja", "Laura",
        "Cecilie",
    ),
    "male": (
        "Lars", "Michael", "Thomas", "Henrik", "Søren", "Jens", "Peter", "Martin", "Anders", "Christian", "Kim",
        "Jesper", "Mads", "Brian", "Rasmus", "Kasper", "Claus", "Torben", "Allan", "Simon", "Emil", "Frederik",
        "Jonas", "Morten", "Mikkel",
    ),
}
ARRIVED: dict[Sex, tuple[str, ...]] = {
    "female": (
        "Fatma", "Amina", "Zahra", "Ayse", "Maryam", "Hoda", "Samira", "Linh", "Katarzyna", "Elena", "Shirin",
        "Leyla",
    ),
    "male": (
        "Mohammad", "Ali", "Hassan", "Mehmet", "Omar", "Yusuf", "Reza", "Minh", "Piotr", "Ahmad", "Ibrahim", "Zoran",
    ),
}
FAMILIES = (
    "Jensen", "Nielsen", "Hansen", "Pedersen", "Andersen", "Christensen", "Larsen", "Sørensen", "Rasmussen",
    "Jørgensen", "Petersen", "Madsen", "Kristensen", "Olsen", "Thomsen", "Christiansen", "Poulsen", "Johansen",
    "Møller", "Mortensen", "Knudsen", "Lund", "Holm", "Kjær", "Bach", "Dahl", "Friis", "Krogh", "Mikkelsen",
    "Frandsen", "Toft", "Winther", "Østergaard", "Åkjær", "Bruun", "Skov", "Vestergaard", "Riis",
)
ARRIVED_FAMILIES = (
    "Yilmaz", "Ahmed", "Hussein", "Khan", "Nguyen", "Kaya", "Demir", "Omar", "Kowalski", "Popescu", "Rahimi",
    "Haddad",
)
# fmt: on

_ARRIVED_SHARE = 0.09


def draw_name(rng: Random, sex: Sex, born: int) -> tuple[str, str]:
    """A given name that fits the birth year, and a family name."""
    if rng.random() < _ARRIVED_SHARE:
        return rng.choice(ARRIVED[sex]), rng.choice(ARRIVED_FAMILIES)
    return rng.choice((OLDER if born < 1958 else YOUNGER)[sex]), rng.choice(FAMILIES)
