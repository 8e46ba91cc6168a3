"""In which language a customer writes, told from script and from the commonest words.

A guess for choosing an owner, nothing else: no answer is given where the words do not tell.
"""

import unicodedata
from typing import Final

from casetrail_routing.domain.spelling import spelled

ENGLISH: Final = "en"
URDU: Final = "ur"
ROMAN_URDU: Final = "ur-Latn"

UNDERSTOOD_BY: Final = {
    ENGLISH: (ENGLISH,),
    URDU: (URDU,),
    ROMAN_URDU: (ROMAN_URDU, URDU),
}
"""Languages of a person who understands a message: who reads Urdu reads it in Latin letters too."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ROMAN: Final = _listed(
    "hai hain he hy nahi nahin nhi nai mera meri mere mujhe mujhay mjhe aap ap apka apki apke kya "
    "kia kyun kyu kab kahan kidhar ka ki ke ko se mein bhai baji bhi salam assalam walaikum jaldi "
    "karo kar krna karna karein kren raha rahi rahe gaya gya gayi tha thi abhi tak bohat bohot "
    "bahut acha achha shukriya ji haan yeh ye yaar woh wo aur lekin magar agar chahiye chahye "
    "paise paisay din ho hua hui aya aaya ayi mila mili koi kuch sirf wapas wapis bhej bhejo batao "
    "bata dein dain hoga hogi kitna kitne liye wala wali ab"
)
_ENGLISH: Final = _listed(
    "the is are am my your you i it its not have has had was were where when what which who why "
    "and to for of in on this that these can could would will how do does did dont want need with "
    "from been still yet any no be if but please thanks thank hello hi me we our"
)


def language_of(text: str | None) -> str | None:
    """`ur`, `ur-Latn` or `en`; None when there is no text, or no word that tells."""
    if text is None:
        return None
    comparable = spelled(text).text
    letters = [character for character in comparable if character.isalpha()]
    arabic = sum(unicodedata.name(letter, "").startswith("ARABIC") for letter in letters)
    if arabic * 2 > len(letters):
        return URDU
    words = comparable.split()
    roman = sum(word in _ROMAN for word in words)
    english = sum(word in _ENGLISH for word in words)
    if roman == english == 0:
        return None
    return ROMAN_URDU if roman >= english else ENGLISH
