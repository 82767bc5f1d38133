"""A short text in twelve scripts, with code and numbers: what tokenizers are asked to cut. Written for this purpose."""

from __future__ import annotations

SAMPLES: dict[str, str] = {
    "Latin": "The old harbour wakes before sunrise. Fishermen mend their nets, and gulls argue about breakfast.",
    "Latin, accented": "Près de l'église, le café était déjà fermé; über die Brücke fuhr kein Zug, mañana quizás sí.",
    "Cyrillic": "Утром над рекой стоял туман, и мост казался короче, чем накануне вечером.",
    "Greek": "Το πρωί ο άνεμος ήταν ήπιος και τα καΐκια βγήκαν νωρίς από το λιμάνι.",
    "Arabic": "في الصباح كان الهواء باردا، وخرجت القوارب من الميناء قبل شروق الشمس.",
    "Hebrew": "בבוקר היה האוויר קריר והסירות יצאו מן הנמל לפני הזריחה.",
    "Devanagari": "सुबह हवा ठंडी थी और नावें सूरज उगने से पहले बंदरगाह से निकल गईं।",
    "Bengali": "সকালে বাতাস ঠান্ডা ছিল, আর নৌকাগুলো সূর্য ওঠার আগেই ঘাট ছেড়ে গেল।",
    "Thai": "ตอนเช้าอากาศเย็น เรือออกจากท่าก่อนพระอาทิตย์ขึ้น",
    "Han": "清晨的港口很安静,渔船在日出之前就已经出发了。",
    "Kana": "朝の港はとても静かで、船は日の出の前に出ていきました。",
    "Hangul": "아침 항구는 아주 조용했고 배들은 해가 뜨기 전에 떠났다.",
    "code": "def mean(values: list[float]) -> float:\n    return sum(values) / len(values)  # not for []\n",
    "numbers": "In 2024 the 3 ports moved 1,204,567 t at 98.6 %, 17 % more than the 1,029,544 t of 2023.",
}
"""What it is -> the text."""
