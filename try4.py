import glob,re
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.inventory import inspect_contents
from lampway.app import open_scanner
for f in sorted(glob.glob('/work/shared/data/power-platform/*.zip')):
    if 'unmanaged__' in f: continue
    i=inspect_contents(read_package(open(f,'rb').read()))
    fs={x.place for x in open_scanner().scan(i.literals) if 'endpoint' in x.rule}
    for l in i.literals:
        if l.place in fs and 'default value' not in l.place and 'value' != l.place: print(l.place[:80], l.role, re.findall(r'https?://[\w.-]+|^[\w.-]+$',l.value)[:5])
