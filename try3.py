import glob,collections,sys
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.inventory import inspect_contents
from lampway.app import open_scanner
c=collections.Counter()
for f in sorted(glob.glob('/work/shared/data/power-platform/*.zip')):
    i=inspect_contents(read_package(open(f,'rb').read()))
    fs=i.faults(open_scanner().scan(i.literals,[v.name for v in i.inventory.variables]))
    print('==',f[33:], len(i.literals), len(fs))
    for x in fs:
        c[x.rule]+=1
        if x.rule not in('dev-value-as-default','current-value-in-package','unmanaged-dependency'): print('   ',x.severity,x.rule,'|',x.place[:150],'|',x.summary[:90])
    for n in i.inventory.notes: print('   note',n)
print(c)
