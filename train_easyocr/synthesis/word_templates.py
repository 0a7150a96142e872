"""What words of public documents look like beside those of sentences: templates, and where signs stand in a word.

Data only. `{name}` is a slot; `word_texts` fills it. Everything here is written for this project.
"""

from __future__ import annotations

from collections.abc import Sequence

from train_easyocr.synthesis import vocabulary

BULLETS = "•○●◎□■◇◆△▲▽▼☆★※→⇒☞✓⊙"
PAIRS = ("()", "[]", "{}", "<>", "「」", "『』", "《》", "〈〉", "【】", "〔〕", "“”", "‘’", '""', "''")
UNITS = "%‰°℃㎡㎥㎢㎜㎝㎞㎏㎎㎖ℓ㏊²³′″"
JOINERS = "·~-/+=×÷±≤≥≠:&_*|,.;→←↔∞√∑∴"
MARKS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉠㉡㉢㉣㉤㉥㉦㉮㉯㉰㉱㉲㉳ⓐⓑⓒⓓⓔⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅰⅱⅲⅳⅴㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
LONE = (
    24 * "-" + 16 * ":" + 12 * "~" + 12 * "〃" + 9 * "." + 9 * "○" + 8 * "·" + 7 * "/" + 6 * "," + 5 * "※" + 4 * "()"
    + 3 * "\"'*→□△=+×" + 2 * "“”‘’[]{}<>@%;&☎★☆◎●■◇◆▲▼▶⊙①②③「」【】|!?￦‰℃㎡㎥" + "…―¦#$^\\÷±°"
)  # fmt: skip
"""Signs that have a box of their own, as often as here; in tables it is a hyphen or a ditto mark mostly."""
LONE_GROUPS = vocabulary.words(
    "-- --- ... …… ** *** ○○ ○○○ □□ // == ~~ :: -, -. () [] ,, .. ☆☆ ★★ >> << →→ 〃, ×× △△ ++ ※※"
)
"""Likewise, of several signs."""
FREQUENT = vocabulary.words("""및 및 및 수 수 그 등 등 각 이 또는 또는 따라 따른 경우 대한 위한 관한 의한 있는 없는
    해당 다음 중 제 법 영 자 후 전 할 한 된 될 것 때 외 내 간 건 명 원 개 호 번 지 위 를 을 는 은 의 에 가 로 와 과
    도 만 본 동 당 총 계 월 일 년 시 분 인 란 비 고 성 주 소 직 급 금 액 합 구 단 량 면 적 끝. 끝 귀하 참조 수신
    발신 제목 붙임 이상 이하 미만 기타""")
"""Words that documents are full of, many of one syllable; spaced titles and heads of tables are single ones, too."""
ENGLISH = vocabulary.words("""access account action address agency agent agreement air analysis annual apply area
    article asset audit author auto average bank base basic battery board body book border box brand bridge budget
    building bus business cable camera capital card carbon case cash center certificate chain change channel check
    child circle city civil class clean client climate cloud code color common company complex computer concrete
    conference contact content contract control copy core cost council count course cover credit culture current
    custom data database date day deep defense delivery design detail development device digital direct disk display
    district document domain door double drive east eco economy edit education effect electric element email energy
    engine engineering entry equipment error event exchange excel exit expert export express extra factory family
    farm fax festival field file final finance fire first fit fix flash floor flow focus food force forest form
    forum forward frame free fuel full function fund future game gas gate general global gold good grade grand graph
    green grid ground group growth guard guide hall hand harbor health heat height help high highway home hospital
    hot hotel house human hybrid image import index industry info input inside install institute insurance interface
    internet island item jet job joint journal key kit knowledge lab label lamp land language laser last law layout
    leader league lease left legal length level library license life light limit line link liquid list local lock
    logo long loop low machine mail main manager manual map marine mark market master matrix max measure media
    medical meeting member memo menu message metal meter method metro micro middle mind mix mobile mode model module
    monitor motor mount move multi museum music name nation natural net network new next night noise north note
    number object ocean office oil old one online open option orange order origin output outside over owner oxygen
    pack page paint panel paper park part partner pass patent path pattern pay peace people phone photo pilot pipe
    plan plant plastic plate play plus point policy port post power premium press price print pro process product
    profile program project public pump quality quick quiz race rail rate report request research reserve result
    review rice right ring risk river road robot rock room root route royal rule safe safety sale sample scale
    school science screen search seat second secret section security select senior sensor series server service
    session set shift ship shop short show side sign silver simple site size skill smart social society soft
    software soil solar solution sound source south space speed sport square staff standard star start state station
    steel step stock stop storage store street strong student studio style summer sun super supply support survey
    system table tank target tax team tech tele test text theater time title toll tool top total touch tour tower
    town track trade traffic training transfer travel tree trust tube turbo type union unit university update upload
    urban user value valve vehicle version video view village vision visit voice volume wall war warning waste water
    wave way web week welcome west white wide wind window wire wireless wood word work world xenon year yellow young
    zero zone""")
"""English words as Korean documents mix them in."""
ABBREVIATIONS = vocabulary.words("""A4 AC ACT AED AI AIDS API APT ARS AS ASP AT ATM B2B BIT BM BOD BOX BTL BTO CAD
    CATV CBD CCTV CD CD-ROM CEO CERT CI CIP CM CNG CO CO2 COD CPU CT DB DC DIY DMB DMZ DNA DO DVD EA EMS ERP ESG EU
    EXIT EXPO F/S FAQ FAX FTA FTP GDP GIS GNP GPS GS H2O HACCP HD HDD HIV HP HTML HTTP IAEA ICT ID IDC ILO IMF INTEL
    IoT IP IPTV ISBN ISDN ISO ISP IT ITS ITX JPG KAIST KBS KCC KDI KEPCO KIST KOSHA KOTRA KS KT KTX kW L/C LAN LCD
    LED LG LH LNG LPG LTE M&A MBC MOU MP3 MRI MS N/A NASA NCS NEIS NET NGO NO No. NOx O/T O2 OA OECD OJT OK OMR
    ON/OFF OT OX P.S PC PCR PDF PE pH PL PM PM10 PO4 POSCO POST PP PPT PQ PR PT PVC QC QR R&D RFID ROTC S/W H/W SBS
    SCI SETI SK SNS SO2 SOC SOx SS STS SUV T-N T-P TEL TF TFT TM TOEIC TOP TV TX UHD UN UNESCO UPS URL USB UTM V/V
    VAT VDT VIP VOC vs WHO Wi-Fi WTO X-ray XML XP YMCA ZIP""")
LETTER_UNITS = vocabulary.words("""km kg mm cm m g t ha kW MW kWh V kV A Hz kHz MHz GHz MB GB KB TB dB ppm psi rpm
    EA SET BOX PC L ml mg kcal lux Mbps kgf N km/h m/s mm/hr x X""")
"""Units in Latin letters."""
OTHER_SIGNS = vocabulary.words("*{word} {word}* {word}*{99}")
SIGNS = (
    (UNITS, vocabulary.words("{99}* {share}* {sum}* {share}* {word}*")),
    (BULLETS + MARKS, vocabulary.words("* * *{word} *{word} *.{word} *) *. {word}*")),
    (JOINERS, vocabulary.words("* {99}*{99} {9}*{9} {word}*{word} {word}*{word} *{word} {word}*")),
)
"""Where signs stand, `*` being the sign."""
PARTICLES = vocabulary.words("""은 는 이 가 을 를 의 에 에서 에게 로 으로 와 과 도 만 까지 부터 이나 이며 하고 라
    이라 란 이란 중 등 및 별 간 시 내 외 당 마다 처럼 보다 께서 이라도 조차 밖에 에는 에도 에서는 으로는 으로서
    로써 에의""")
ENDINGS = vocabulary.words("""하다 한다 한다. 하며, 하고 하여 하여야 하는 할 함 함. 된다. 되는 되어 될 됨 됨. 했음
    했다. 하였다. 하였음. 하였던 했으며 됐음 되었음 되었으나 합니다. 됩니다. 하십시오. 바랍니다. 하겠습니다.
    하겠음 있음 있었음 없음 없었다 입니다. 이었음 였음 였다 하지 아니한 하려는 하려면 하기 하더라도 하므로 하되,
    하거나 하도록 토록 시킨 당한""")
NUMBER_SLOTS = {
    "year": (1950, 2030, "d"),
    "month": (1, 12, "d"),
    "mm": (1, 12, "02d"),
    "day": (1, 31, "d"),
    "dd": (1, 31, "02d"),
    "yy": (0, 99, "02d"),
    "hour": (0, 23, "02d"),
    "min": (0, 59, "02d"),
    "9": (1, 9, "d"),
    "19": (1, 19, "d"),
    "99": (1, 99, "d"),
    "150": (1, 150, "d"),
    "999": (1, 999, "d"),
    "2d": (0, 99, "02d"),
    "4d": (0, 9999, "04d"),
    "5d": (0, 99_999, "05d"),
    "local": (200, 9999, "d"),
}
"""Slots of templates that whole numbers fill: least, greatest, format."""
CHOICE_SLOTS: dict[str, Sequence[str]] = {
    "letter": "가나다라마바사아자차카타파하",
    "capital": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "bullet": "○□-·※■*◎◇▶→",
    "particle": PARTICLES,
    "ending": ENDINGS,
    "weekday": vocabulary.WEEKDAYS,
    "unit": vocabulary.UNITS,
    "road": vocabulary.ROADS,
    "town": vocabulary.TOWNS,
    "village": vocabulary.VILLAGES,
    "province": tuple(vocabulary.PROVINCES.values()),
    "office": vocabulary.DEPARTMENTS,
    "latin": vocabulary.LATIN,
    "en": ENGLISH,
    "En": tuple(word.capitalize() for word in ENGLISH),
    "EN": tuple(word.upper() for word in ENGLISH),
    "abbr": ABBREVIATIONS,
    "lunit": LETTER_UNITS,
    "ext": ("hwp", "pdf", "xls", "xlsx", "doc", "ppt", "jpg", "zip", "txt", "exe", "hwpx", "dwg", "gif", "html"),
    "tld": ("kr", "go.kr", "or.kr", "co.kr", "com", "net", "ac.kr", "org", "re.kr"),
    "area": ("02", "031", "051", "053", "055", "061", "064", "070", "010", "1588", "080"),
    "host": ("korea.kr", "naver.com", "go.kr", "hanmail.net", "daum.net", "seoul.go.kr", "gmail.com"),
}
"""Slots of templates that are filled from lists."""
STICKING = (
    *vocabulary.words("""{word}{particle} {word}{particle} {word}{particle} {word}{ending} {word}{ending} {word},
    {word}, {word}. {word}: {word}; {word}) {word}), {word}). {word}」 {word}” {word}] ({word} ({word} [{word}
    <{word} 「{word} “{word} ‘{word} -{word} ○{word} □{word} ※{word} ·{word} *{word} ■{word} {pair} {pair}
    {pair}{particle} {pair}{particle} {word}({word}) {word}({word} {word}({word} {word}·{word} {word}·{word}
    {word}/{word} {word},{word} {word}~{word} {word}-{word} {word}:{word} “{word}” ‘{word}’ "{word}" '{word}'
    “{word}”{particle} ‘{word}’{particle} "{word}"{particle} '{word}'{particle} ‘{word}’, “{word}”, "{word} {word}"
    “{word}, ‘{word}, {word}’ {word}'{particle} {word}"{particle} {word}.” {word}.’ '{word} {word}(이하 {word}(또는"""),
)  # fmt: skip
"""What sticks to a word without a space."""
SPACED = (
    "{word} {word}", "{word} {word}", "{word} {word}", "({word} {word})", "「{word} {word}」",
    "{year}. {month}. {day}.", "{year}. {month}. {day}.", "{year}. {month}. {day}", "{month}. {day}.",
    "{year}년 {month}월 {day}일", "{month}월 {day}일", "제{150}조 제{9}항", "{sum} 원", "({area}) {local}-{4d}",
    "{word} : {word}", "{word} ({99})", "- {9} -", "{9} ~ {99}", "{En} {En}", "{EN} {EN}", "{En} {abbr}",
    "{town} {lot}", "{province} {town}",
)  # fmt: skip
"""What one label holds though there are spaces in it; for sets with a space."""
STRUCTURES: tuple[tuple[float, str], ...] = (
    (
        3.0,  # dates
        """{year}.{month}.{day}. {year}.{mm}.{dd} {year}-{mm}-{dd} {year}년 {month}월 {day}일 {year}. {month}.
        {day}. {year}년{month}월{day}일 '{yy}.{month}.{day} {year}.{month}. <개정 <신설 {year}.{month}.{day}.>
        {year}.{month}.{day}.] {day}., {month}/{day} {day}.({weekday}) {year}년도 {month}월말 {day}일까지
        {hour}:{min} {month}시 {year}{mm} {month}개월 {hour}:{min}~{hour}:{min} {year}학년도 {day}분 {month}.>
        {year}.{month}.{day} ({year}.{month}.{day}.) {month}~{month}월 {yy}.{mm}.{dd} '{yy}.{mm} {yy}년 {year}.
        {month}. {year}년도 ’{yy}.{month}. ‘{yy}년 {month}/{day}~{month}/{day} {mm}/{dd}""",
    ),
    (
        3.0,  # sums
        """{sum} {sum}원 {sum}천원 {long} ￦{sum} 금{sum}원 {sum}백만원 △{sum} -{sum} {sum}원정 (금{sum}원)
        {999}억원 {sum}만원 {share}억 \\{sum} {sum}. ({sum}) {sum}- {sum}원을 {sum}원이 {sum}원)""",
    ),
    (
        3.0,  # laws
        """제{150}조 제{150}조제{9}항 제{150}조제{9}항제{19}호 제{150}조의{9} 제{150}조({word}) 제{150}조({word}
        제{9}항에 제{19}호의 제{9}항부터 제{9}항까지의 제{150}조의{9}({word}) [별표 {19}] {19}] [별지
        제{150}호서식] 제{150}호서식 제{19}장 제{9}절 법률 제{5d}호, 「{word} {word}」 「{word}」{particle}
        제{150}조에 제{150}조를 <삭제> [본조신설 [전문개정 제{150}조부터 영 제{150}조의{9}제{9}항에 부칙 같은
        법」 법률」 시행령」 제{9}항·제{9}항 제{9}호까지""",
    ),
    (
        3.0,  # figures of tables
        """- - - {9} {9} {99} {99} {999} {sum} {sum} {sum} {share} {share} ({share}) ({sum}) △{sum} △{share}
        ▲{share} -{share} -{sum} 0 0 0.0 0% 1 {long} {share}% {share}%p {99}/{99} {yy}.{mm}. {year} {9}/{9} + ○ × 〃
        {sum}, +{share} ({9}) ({99}) {9}- {99}.{2d} {sum}.{9} ({share}%) △ 계 소계 합계 {9}) -({share}) {999}-{9}""",
    ),
    (
        3.0,  # counts
        """{sum}{unit} {999}{unit} {999} {share}% {999}명 {999}.{9} {share}㎡ {share} {99}개소 {share}점
        {99}%이상 {99}인 {share}km {share}㎞ {share}ha 0.{2d} {99}배 ×{99} ÷{9} Φ{999}mm {999}×{99} D{999}
        ±{share} {99}세 {999}건 {99}차 {999}m이상의 {9}.{9}.{9} {99}%를 {99}종 {9}회 {99}일간 {99}개월 {9}인당
        {sum}㎥ {share}℃ {share}㎎""",
    ),
    (
        2.5,  # marks of lists
        """{19}. {19}) ({19}) {letter}. {letter}) ({letter}) {19}-{9}. {circle} {roman} {roman}. {bullet}
        {bullet} {bullet} {19}.{word} {letter}.{word} {bullet}{word} {bullet}{word} {circle}{word} {9}.{9} : ~
        {9}.{9}.{9} [{19}] <{19}> 주{9}) 붙임{9}. ‘{letter}’ ‘{letter}’목 “{word}”이라 “{word}”란 ) ( ,
        {letter}목 {roman}.{word} 「 」 “ ” . *""",
    ),
    (
        1.2,  # telephones
        """{area}-{local}-{4d} ({area}){local}-{4d} {area}){local}-{4d} {local}-{4d} ☎{area}-{local}-{4d}
        {area}.{local}.{4d} (☎{local}-{4d}) FAX:{area}-{local}-{4d} {4d}{4d} {2d}{mm}{dd}-{9}******
        전화:{local}-{4d} {2d}{mm}{dd}-{9}{5d} ({area}) {area}- {local}-{4d}, {area}-{local}-{4d}/{4d}
        {area}-{local}-{4d}~{9} ☎({area}){local}-{4d} Tel.{local}-{4d} F.{local}-{4d} ☎ 전화번호: (내선{999})""",
    ),
    (
        1.5,  # places
        """{lot} 산{lot} {lot}번지 {road} {lot}번길 {lot}호 {town} {village} {village}{lot} ({lot}) {19}층
        {150}동 {999}호 ({town}) 우){5d} {province} {lot}외{19}필지 {road}{99} {lot}, {town}사무소""",
    ),
    (
        1.5,  # codes
        """{office}-{long} {latin} {latin}-{99} ({latin}) {latin}{9} 제{year}-{99}호 {5d}-{2d} {latin}, No.{999}
        A{9} {latin}/{latin} {latin}를 {capital}{capital}-{99} #{99} KS{capital}{4d} {word}({latin}) p.{999}
        {capital}) {capital}. {capital} {capital}{capital}{capital} {capital}등급""",
    ),
    (
        0.7,  # mail
        """{name}@{host} {name}{99}@{host} www.{name}.go.kr http://{name}.kr ({name}@{host}) {name}_{9}@{host}
        {name}.hwp https://{name}.or.kr/""",
    ),
    (
        1.2,  # ranges
        """{9}~{99} {9}~{99}명 {9}~{99}% {9}~{99}일 {9}-{9} {9}월~{month}월 {9}:{9} {9}/{9} {9}+{9}={19}
        {9}.{9}~{9}.{9} (+{9}점) {9}>{9} {99}≥{9} {9}→{9} ({9}/{9}) {99}명이상 {99}일이내 {99}점미만 {99}세이하
        {9}:{9}로 ({9}~{9})""",
    ),
    (
        1.5,  # brackets
        """({word}) ({word} {word}) {word}(안) {word}({99}%) {word}({99}) (단위:{word}) [{word}] ({99}명)
        【{word}】 <{word}> (이하 “{word}” ‘{word}’ 『{word}』 ({99}) (인) (서명 인) ({word}), ({word}).
        {word}:{99} (※{word}) {word}·{word} {word},{word} ㈜{word} {word}㈜ {word}) {word}, {word}.
        ({word}·{word}) [{word} {word}] {word}”{particle} {word}’{particle}""",
    ),
)
"""How often each sort of text is drawn in relation to the others, and what it looks like."""

LATIN_WORDS = vocabulary.words("""{en} {en} {en} {En} {En} {En} {EN} {EN} {abbr} {abbr} {abbr} {abbr}{particle}
    {abbr}{particle} {En}{particle} {en}{particle} {abbr}-{99} {abbr}{9} ({abbr}) ({En}) ({en}) ({EN})
    {word}({abbr}) {word}({abbr}){particle} {word}({En}) {word}({en}) {abbr}/{abbr} {En}-{En} {En}{En} {en}{En}
    {en}-{en} {en}, {En}, {EN}, {en}. {En}: {abbr}: {model} {model} {model}{particle} {model}, {en}.{ext}
    {en}_{2d}.{ext} {en}{99}.{ext} {word}.{ext} {EN}.{EXT} {en}@{host} {en}{99}@{host} {en}.{en}@{host}
    {name}@{host} E-mail:{name}@{host} www.{en}.{tld} www.{name}.{tld} http://www.{en}.{tld} http://{en}.{tld}/
    https://{en}.{tld}/{en} {share}{lunit} {999}{lunit} {sum}{lunit} {lunit} ({lunit}) {abbr}·{abbr} {abbr}, “{En}”
    '{en}' "{En}" ‘{abbr}’ {EN}({abbr}) {abbr}용 {abbr}형 {abbr}화 {word}{abbr} {99}x{99} {999}X{999} {9}x{9}x{9}
    {capital}형 {capital}동 {capital}-{9} {capital}{9} {capital}, {small} {small}) ({small}) {capital}={9}
    {small}={share} {capital}{small} {abbr} {En} {En} {capital}{capital}
    {small}{small}{small} {En}{9} {En}.{9} [{En}] <{EN}> ({En} {En}) *{En} {En}(주) (주){En} ㈜{En} {en}/{en}
    {en}&{en} {capital}&{capital} {En}'s {year}{abbr} {abbr}{particle} {word}·{abbr} {EN}-{99} Ver{9}.{9}
    v{9}.{9}.{9} No.{99} NO.{9} p.{99} pp.{9}-{99} vol.{9} @{name} #{en} %{en} {name}_{name} {en}_{en} /{en}/{en}
    C:\\{en} {en}+{en} {name}.{ext}""")
"""What Latin letters stand in."""
LONG_WORDS = vocabulary.words("""제{150}조의{9}({plain}{plain} 제{150}조({plain}·{plain}{particle}
    제{150}조제{9}항제{9}호{letter}목 ({plain}(제{150}조 {plain}·{plain}·{plain} {plain}·{plain}·{plain}{particle}
    {plain}{plain}{plain} {plain}{plain}{plain}{particle} {circle}{plain}({plain}{particle} {plain}{plain}({plain}
    {plain}({plain}·{plain} {plain}({plain}){particle} ({plain}·{plain}) {plain}{plain}의 {plain}및{plain}
    {plain}및{plain}에관한{plain} {plain}등에관한법률 「{plain}{plain}법」제{150}조 {plain}{plain}법률제{5d}호
    {9}.「{plain}{plain}법」 {plain}({sum}원) {plain}:{sum}원 {plain}({year}.{month}.{day}.) <{year}.{mm}.{dd}.>
    [{plain}제{150}호{plain}] ({plain}+{plain})÷{9} ({plain}-{capital}){particle} {plain}×{share}%={sum}
    {sum}원×{99}={sum}원 {year}.{month}.{day}.~{year}.{month}.{day}. {year}.{mm}.{dd}~{mm}.{dd}
    {area}-{local}-{4d}/{plain} {plain}({area}-{local}-{4d}) {plain}/{plain}/{plain} {plain},{plain},{plain}
    {plain}-{plain}-{plain} ({plain}),({plain}) {plain}~{plain}({share}km) {lot},{lot},{lot} {town}{village}{lot}
    {province}{town} ({plain}, {plain}→{plain}→{plain} [{plain}·{plain}] “{plain}·{plain}”
    {plain}‘{plain}’{particle} {circle}{plain}·{plain} {bullet}{plain}({plain}) {letter}.{plain}({plain})
    {19}){plain}·{plain}{particle} {plain}({99}명) {plain}({plain}:{plain}) {plain}{ending}{plain} ※{plain}:{plain}
    {province}·{province}·{province} {road}{99}({town}) {year}년{month}월{day}일{plain} {plain}{sum}㎡""")
"""Words of more than ten characters mostly, with brackets and signs, or run together as typists wrote them."""
